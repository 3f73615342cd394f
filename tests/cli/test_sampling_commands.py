import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.components import Condition, Images


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """Run each test in a folder of its own, where default outputs go."""
    monkeypatch.chdir(tmp_path)


def facts(path):
    """Return mode, size and number of frames of a picture."""
    with Image.open(path) as image:
        return image.mode, image.size, getattr(image, "n_frames", 1)


def test_sample_needs_no_option(program, finished):
    assert program("sample", finished).out == "small-1-samples.png\n"
    assert facts("small-1-samples.png")[0] == "L"


def test_sample_writes_arrays_that_the_seed_determines(program, finished):
    program("sample", finished, "-n", 5, "--seed", 3, "-o", "some.npy")
    expected = ganzoo.open_run(finished).sample(5, seed=3).numpy()
    assert np.array_equal(np.load("some.npy"), expected)


def test_sample_writes_a_folder_of_pictures_but_not_into_a_full_one(program, finished):
    assert program("sample", finished, "-n", 3, "--format", "folder").out == "small-1-samples\n"
    assert facts("small-1-samples/00002.png") == ("L", (28, 28), 1)
    result = program("sample", finished, "-n", 3, "--format", "folder", "-o", "small-1-samples")
    assert result.code == 2
    assert "not an empty folder" in result.err


def test_sample_takes_latents_from_a_file_or_by_hand(program, finished):
    np.save("z.npy", np.zeros((2, 8)))
    program("sample", finished, "--latents", "z.npy", "-o", "file.npy")
    program("sample", finished, "--latents", ",".join("0" * 8), "-o", "hand.npy")
    made = np.load("file.npy")
    assert made.shape == (2, 1, 28, 28)
    assert np.allclose(made[:1], np.load("hand.npy"))


def test_an_archive_called_npy_is_refused(program, finished):
    np.savez("several.npz", z=np.zeros((2, 8)))
    Path("several.npz").rename("several.npy")
    result = program("sample", finished, "--latents", "several.npy")
    assert result.code == 2
    assert "neither a .npy file nor numbers" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--latents", "1,2"], "needs shape (n, 8), not (1, 2)"),
        (["--latents", "1,x"], "neither a .npy file nor numbers"),
        (["--latents", "none.npy"], "none.npy: No such file"),
        (["--label", "3"], "not conditioned on classes"),
        (["--label", "cat"], "not conditioned on classes"),
        (["-o", "samples.what"], "samples.what: the suffix must be"),
        (["-n", "0"], "Invalid value for '-n'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_sampled_is_refused_in_a_line(program, finished, arguments, message):
    result = program("sample", finished, *arguments)
    assert result.code in {1, 2}
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.fixture
def conditional(finished, monkeypatch):
    """The finished run, as if it had been trained with the names of three classes."""

    def sample(self, n=64, *, latents=None, labels=None, **_):
        count = n if latents is None else len(latents)
        classes = range(count) if labels is None else labels
        images = np.full((count, 1, 28, 28), -1, np.float32)
        for image, label in zip(images, classes, strict=count == len(classes)):
            image[:, 4:24, 4:24] = label % 3
        return torch.from_numpy(images)

    monkeypatch.setattr(ganzoo.api.Run, "class_names", ("cat", "dog", "owl"))
    monkeypatch.setattr(ganzoo.api.Run, "sample", sample)
    return finished


def test_grids_of_classes_have_a_column_for_each(program, conditional):
    program("sample", conditional, "-n", 8, "-o", "all.png")
    mode, (width, height), _ = facts("all.png")
    assert mode == "RGB"
    assert 3 * 56 < width < 4 * 56 + 20
    assert 3 * 56 < height < 4 * 56
    program("sample", conditional, "-n", 8, "--label", "dog", "--label", "2", "-o", "two.png")
    assert facts("two.png")[1][0] < width


def test_an_unknown_class_is_answered_with_the_nearest(program, conditional):
    result = program("sample", conditional, "--label", "dogs")
    assert result.code == 2
    assert (
        "--label: no class is called 'dogs'; did you mean 'dog'? (available: cat, dog, owl)"
        in result.err
    )
    assert "--label: no class is called '3'" in program("sample", conditional, "--label", "3").err


def test_conditions_and_sources_are_refused_where_they_have_no_use(program, finished):
    result = program("sample", finished, "--condition", "1,0")
    assert result.code == 2
    assert "not conditioned on vectors" in result.err
    np.save("x.npy", np.zeros((2, 1, 28, 28)))
    result = program("sample", finished, "--source", "x.npy")
    assert result.code == 2
    assert "does not translate" in result.err


@pytest.fixture
def translator(finished, monkeypatch):
    """The finished run, as if it translated RGB images of 4 by 6 pixels; tells what it was given."""
    given = []
    opened = ganzoo.open_run(finished)
    info = dataclasses.replace(opened.info, source=Images(3, 4, 6))
    opened.sampler.translates = True
    opened.sampler.condition = Condition("labels", 2)
    monkeypatch.setattr(ganzoo.api.Run, "info", info)
    monkeypatch.setattr(ganzoo.api.Run, "sampler", opened.sampler)

    def sample(self, n, **options):
        given.append(options)
        return torch.zeros(n, 1, 28, 28)

    monkeypatch.setattr(ganzoo.api.Run, "sample", sample)
    return finished, given


def test_sources_are_read_from_images_folders_and_arrays(program, translator):
    run, given = translator
    Path("images").mkdir()
    for name, level in (("a", 0), ("b", 255)):
        Image.new("RGB", (12, 8), (level, 0, 255)).save(f"images/{name}.png")
    Path("images/notes.txt").write_text("no image")
    np.save("bytes.npy", np.full((3, 3, 4, 6), 255, np.uint8))
    np.save("floats.npy", np.full((1, 3, 4, 6), 0.5))
    for source in ("images", "images/b.png", "bytes.npy", "floats.npy"):
        assert program("sample", run, "--source", source, "--condition", "0,1").code == 0
    folder, picture, pixels, floats = (each["source"] for each in given)
    assert folder.shape == (2, 3, 4, 6)
    assert folder[:, :, 0, 0].tolist() == [[-1, -1, 1], [1, -1, 1]]
    assert torch.equal(picture, folder[1:])
    assert (pixels == 1).all()
    assert (floats == 0.5).all()
    assert given[0]["condition"].tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "wrong.npy"), "needs shape (n, 3, 4, 6), not (2, 3, 6, 4)"),
        (("--source", "empty"), "empty: contains no images"),
        (("--source", "broken.png"), "broken.png: cannot be read"),
        (("--source", "nothing.png"), "does not exist"),
        (("--condition", "1,2,3"), "--condition: this run needs shape (n, 2), not (1, 3)"),
    ],
)
def test_sources_and_conditions_that_do_not_fit_are_refused(
    program, translator, arguments, message
):
    np.save("wrong.npy", np.zeros((2, 3, 6, 4)))
    Path("empty").mkdir()
    Path("broken.png").write_bytes(b"no image")
    result = program("sample", translator[0], *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_losses_are_plotted_into_the_run_or_elsewhere(program, finished, tmp_path):
    path = tmp_path / "losses.svg"
    assert program("plot", "losses", finished, "-o", path, "--per", "epoch").out == f"{path}\n"
    assert path.read_text().startswith("<?xml")
    assert program("plot", "losses", finished).out == f"{finished / 'losses.png'}\n"


@pytest.mark.parametrize("option", [["-n", "3"], ["--seed", "3"], ["--truncation", "1"]], ids=str)
def test_options_that_latents_leave_no_room_for_are_refused(program, finished, option):
    np.save("z.npy", np.zeros((2, 8)))
    result = program("sample", finished, "--latents", "z.npy", *option)
    assert result.code == 2
    assert "cannot be combined with --latents" in result.err


def test_latents_must_be_finite(program, finished):
    np.save("z.npy", np.full((2, 8), np.nan))
    result = program("sample", finished, "--latents", "z.npy")
    assert result.code == 2
    assert "finite" in result.err
