"""Commands that write files never write over what is there, unless they are told to."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo.components import Points


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


WRITERS = [
    (["sample", "RUN"], "mine.png"),
    (["sample", "RUN", "--format", "npy"], "mine.npy"),
    (["plot", "losses", "RUN"], "mine.png"),
    (["schema"], "mine.json"),
    (["init", "digits"], "mine.json"),
]


@pytest.mark.parametrize(("command", "name"), WRITERS, ids=str)
def test_a_file_of_the_user_is_kept_unless_forced(program, finished, command, name):
    Path(name).write_text("years of work")
    arguments = [finished if each == "RUN" else each for each in command]
    refused = program(*arguments, "-o", name)
    assert refused.code == 2
    assert f"error: {name}: exists already" in refused.err
    assert Path(name).read_text() == "years of work"
    assert program(*arguments, "-o", name, "--force").code == 0
    assert Path(name).read_bytes() != b"years of work"


@pytest.mark.parametrize(("command", "name"), WRITERS, ids=str)
def test_a_folder_that_is_not_there_is_named(program, finished, command, name):
    arguments = [finished if each == "RUN" else each for each in command]
    result = program(*arguments, "-o", f"no/such/{name}")
    assert result.code == 2
    assert f"error: no/such/{name}: the folder no/such does not exist" in result.err


def test_every_output_is_checked_before_any_is_written(program):
    Path("ganzoo.spec.schema.json").write_text("mine")
    assert program("init", "digits", "-o", "spec.json", "--schema").code == 2
    assert not Path("spec.json").exists()
    assert Path("ganzoo.spec.schema.json").read_text() == "mine"


def test_default_names_are_numbered(program, finished):
    names = [program("sample", finished, "-n", 2).out.strip() for _ in range(3)]
    assert names == ["small-1-samples.png", "small-1-samples-2.png", "small-1-samples-3.png"]


def test_an_array_has_the_name_it_was_given(program, finished):
    assert program("sample", finished, "-n", 2, "--format", "npy", "-o", "x.bin").out == "x.bin\n"
    with Path("x.bin").open("rb") as file:
        assert np.load(file).shape[0] == 2


def test_class_names_come_before_numbers(program, tmp_path):
    """Sub-folders 0, 1, 10, 2 sort as text: the class called '2' is number 3."""
    for name in ("0", "1", "2", "10"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for index in range(4):
            Image.new("L", (16, 16), int(name) * 20).save(folder / f"{index}.png")
    network = {"type": "mlp", "hidden": [8], "conditional": True}
    spec = {
        "dataset": {"type": "folder", "path": str(tmp_path / "images"), "size": 16, "mode": "grey"},
        "latent": {"type": "normal", "dim": 4},
        "generator": network,
        "discriminator": network,
        "training": {"duration": "2 steps", "batch_size": 8},
    }
    run = ganzoo.run(spec, output=tmp_path / "run")
    assert run.class_names == ("0", "1", "10", "2")
    (tmp_path / "images").rename(tmp_path / "gone")  # the data are not needed any more
    program("sample", run.path, "-n", 1, "--label", "2", "-o", "two.npy")
    assert np.array_equal(np.load("two.npy"), run.sample(1, labels=[3]).numpy())


def test_points_on_a_line_can_be_drawn():
    points = np.random.default_rng(0).normal(size=(50, 1))
    assert np.asarray(Points(1).preview(points)).min() < 200


def test_specs_from_standard_input_are_utf8_whatever_the_terminal(program, monkeypatch):
    text = json.dumps({"name": "x", "description": "é"}, ensure_ascii=False)
    stream = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + text.encode()), encoding="cp1252")
    monkeypatch.setattr(sys, "stdin", stream)
    result = program("validate", "-")
    assert result.code == 2
    assert "error: standard input: dataset: this field is required" in result.err


def test_a_spec_nested_too_deeply_is_no_bug(program):
    Path("deep.json").write_text('{"a":' * 100_000)
    result = program("validate", "deep.json")
    assert result.code == 2
    assert "not a spec: nested too deeply" in result.err


def test_formulas_do_not_fail_on_an_old_console():
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "ganzoo", "show", "r1"],
        env={"PYTHONIOENCODING": "cp1252", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"r1" in done.stdout


def test_a_card_that_a_person_edited_is_kept_by_resuming_a_finished_run(
    program, finished, tmp_path
):
    import shutil

    copied = tmp_path / "copied"
    shutil.copytree(finished, copied)
    (copied / "README.md").write_text("my notes")
    assert program("resume", copied).code == 0
    assert (copied / "README.md").read_text() == "my notes"


def test_a_schema_that_is_the_same_is_no_obstacle(program):
    assert program("init", "digits", "-o", "a.json", "--schema").code == 0
    assert program("init", "digits", "-o", "b.json", "--schema").code == 0
    assert program("init", "digits", "-o", "b.json", "--schema").code == 2


def test_a_dot_in_a_runs_name_is_no_ending(program, finished):
    import shutil

    shutil.copytree(finished, "g-0.5")
    names = [program("sample", "g-0.5", "-n", 1, "--format", "folder").out for _ in range(2)]
    assert names == ["g-0.5-samples\n", "g-0.5-samples-2\n"]


def test_an_empty_file_of_latents_is_named(program, finished):
    Path("empty.npy").touch()
    result = program("sample", finished, "--latents", "empty.npy")
    assert result.code == 2
    assert "--latents" in result.err
