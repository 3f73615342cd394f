"""``ganzoo analyze`` and ``ganzoo invert``."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganzoo


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """Run each test in a folder of its own, where default outputs go."""
    monkeypatch.chdir(tmp_path)


def test_an_analysis_is_a_table_and_a_folder(program, finished):
    arguments = ["-q", "-n", 2, "--directions", 2, "--extractor", "lenet-mnist"]
    result = program("analyze", finished, *arguments)
    assert result.code == 0
    assert "sefa[1]" in result.out
    assert "class changes" in result.out
    assert "Extreme values change the brightness" in result.out
    assert result.err == "written to small-1-latents\n"
    folder = Path("small-1-latents")
    names = ["directions.png", "effects.png", "latents.json", "neighbours.png"]
    assert sorted(each.name for each in folder.iterdir()) == names
    with Image.open(folder / "neighbours.png") as sheet:
        assert sheet.height > 8 * 56
    refused = program("analyze", finished, "-q", "-o", folder)
    assert refused.code == 2
    assert "exists already and is not an empty folder" in refused.err
    again = program("analyze", finished, *arguments, "--json")
    assert json.loads(again.out) == json.loads((folder / "latents.json").read_text())
    assert Path("small-1-latents-2").is_dir()


def test_a_classifier_is_not_needed(program, finished):
    result = program("analyze", finished, "-q", "-n", 2, "--directions", 1)
    assert result.code == 0
    assert "class" not in result.out


@pytest.fixture
def picture(finished):
    """A picture that the run generates."""
    sample = ganzoo.open_run(finished).sample(1, seed=5).numpy()[0, 0]
    path = Path("mine.png")
    Image.fromarray(np.uint8(np.clip((sample + 1) * 127.5, 0, 255))).save(path)
    return path


def test_a_picture_is_inverted_and_varied(program, finished, picture):
    result = program("invert", finished, picture, "-q", "--steps", 60, "--starts", 2)
    assert result.out == "small-1-mine.json\nsmall-1-mine.png\n"
    assert "error" in result.err
    data = json.loads(Path("small-1-mine.json").read_text())
    assert len(data["latent"]) == 8
    assert data["error"] < 0.05
    assert len(data["errors_of_starts"]) == 2
    with Image.open("small-1-mine.png") as pair:
        assert pair.width > 2 * 56
    again = ganzoo.open_run(finished).sample(latents=[data["latent"]]).numpy()[0, 0]
    with Image.open(picture) as stored:
        target = np.asarray(stored) / 127.5 - 1
    found = np.sqrt(np.square(again - target).mean()) / 2
    assert found == pytest.approx(data["error"], abs=1e-3)
    arguments = ["--latents", "small-1-mine.json", "--values", "0,3", "--dims", "0,1"]
    for along in ("coordinates", "sefa", "ganspace"):
        result = program("traverse", finished, *arguments, "--along", along, "-o", f"{along}.png")
        assert result.out == f"{along}.png\n"
    kept = program("invert", finished, picture, "-q", "-o", "small-1-mine.png")
    assert kept.code == 2
    assert "exists already" in kept.err


def test_a_picture_of_another_size_is_resized_with_a_note(program, finished, picture):
    with Image.open(picture) as stored:
        stored.convert("RGB").resize((60, 90)).save("large.jpg")
    result = program("invert", finished, "large.jpg", "-q", "--steps", 1, "--starts", 1)
    assert result.code == 0
    assert "note: large.jpg: resized from 60x90 to 28x28 pixels" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["invert", "RUN", "text.png"],
            "text.png: cannot be read as a picture: it has no known format",
        ),
        (["invert", "RUN", "none.png"], "none.png: cannot be read as a picture: No such file"),
        (["invert", "RUN", "text.png", "--label", "3"], "not conditioned on classes"),
        (["traverse", "RUN", "--latents", "text.json"], "text.json: is not a latent"),
        (["traverse", "RUN", "--latents", "none.json"], "none.json: No such file"),
        (["traverse", "RUN", "--latents", "short.json"], "needs shape (n, 8), not (1, 2)"),
        (["analyze", "RUN", "--extractor", "random-conv"], "is not a classifier"),
        (["analyze", "RUN", "--extractor", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(program, finished, arguments, message):
    Path("text.png").write_text("no picture")
    Path("text.json").write_text("[1, 2]")
    Path("short.json").write_text('{"latent": [1, 2]}')
    result = program(*[finished if each == "RUN" else each for each in arguments])
    assert result.code == 2
    assert message in result.err
    assert result.err.count("error: ") == 1
    assert "Traceback" not in result.err
