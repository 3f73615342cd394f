"""``ganzoo data``: what it says of folders, zip files and arrays, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_inspect import survey
from PIL import Image

from ganzoo.api import load_spec
from ganzoo.utils.progress import reporting_to


@pytest.fixture
def found(program: Callable[..., Any], messy: Path) -> dict[str, Any]:
    """What the messy folder holds, as JSON."""
    result = program("data", messy, "--json", "-q")
    assert (result.code, result.err) == (0, "")
    data: dict[str, Any] = json.loads(result.out)
    return data


def test_everything_in_a_folder_is_counted(found: dict[str, Any]) -> None:
    assert found["samples"] == 20
    assert found["splits"] == {"test": 5, "train": 15}
    assert found["classes"] == {
        "test": {"cats": 4, "dogs": 1},
        "train": {"cats": 11, "dogs": 4},
    }
    assert found["sizes"] == [
        {"width": 40, "height": 32, "count": 19},
        {"width": 160, "height": 128, "count": 1},
    ]
    assert found["modes"] == {"RGB": 19, "L": 1}
    assert found["formats"] == {"PNG": 19, "JPEG": 1}
    assert found["bits"] == {"8": 20}
    assert (found["coloured"], found["transparent"]) == (19, 0)


def test_every_file_that_cannot_be_read_is_named(found: dict[str, Any]) -> None:
    assert set(found["unreadable"]) == {"train/cats/cut.png", "train/cats/text.jpg"}
    assert found["unreadable"]["train/cats/text.jpg"] == "is not an image"


def test_copies_and_pictures_that_look_the_same_are_found(found: dict[str, Any]) -> None:
    assert found["exact_duplicates"] == [
        ["train/cats/01.png", "train/cats/copy.png"],
        ["train/cats/02.png", "train/dogs/cat.png"],
    ]
    assert found["near_duplicates"] == [["test/cats/large.jpg", "train/cats/03.png"]]
    assert found["across_splits"] == found["near_duplicates"]
    assert found["contradictory_classes"] == [["train/cats/02.png", "train/dogs/cat.png"]]


def test_a_zip_file_holds_what_its_folder_does(
    program: Callable[..., Any], messy: Path, found: dict[str, Any], tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", messy)
    packed = json.loads(program("data", archive, "--json", "-q").out)
    for key in ("path", "dataset"):
        packed.pop(key)
        found.pop(key)
    assert packed == found


def test_it_is_said_in_words_too(program: Callable[..., Any], messy: Path) -> None:
    result = program("data", messy)
    assert result.code == 0
    lines = [line.split(maxsplit=1) for line in result.out.splitlines()]
    assert lines[0] == ["samples", f"20 in {messy}"]
    assert ["unreadable", "train/cats/text.jpg: is not an image"] in lines
    assert "test/cats/large.jpg = train/cats/03.png" in result.out
    assert "train/cats/02.png = train/dogs/cat.png" in result.out


def test_the_section_that_is_proposed_reads_the_folder(
    program: Callable[..., Any], messy: Path, plain: Path
) -> None:
    warned = program("data", messy, "--spec", "-q")
    assert json.loads(warned.out)["dataset"] == {
        "type": "folder",
        "path": str(messy),
        "size": 32,
        "mode": "rgb",
    }
    assert "train/cats/text.jpg cannot be read" in warned.err
    section = json.loads(program("data", plain, "--spec", "-q").out)
    assert section["dataset"] == {
        "type": "folder",
        "path": str(plain),
        "size": 16,
        "mode": "grey",
    }
    split = load_spec({**section, "generator": "mlp", "discriminator": "mlp"}).dataset.build(
        "train"
    )
    assert split.samples.shape == (40, 1, 16, 16)


def test_sizes_follow_the_pictures(tmp_path: Path, program: Callable[..., Any]) -> None:
    for name, sizes in {"wide": [(60, 30)] * 2, "mixed": [(300, 90), (70, 200), (500, 80)]}.items():
        (tmp_path / name).mkdir()
        for number, size in enumerate(sizes):
            Image.new("L", size, number).save(tmp_path / name / f"{number}.png")
    one = json.loads(program("data", tmp_path / "wide", "--spec", "-q").out)
    assert one["dataset"]["size"] == [30, 60]
    many = json.loads(program("data", tmp_path / "mixed", "--spec", "-q").out)
    assert many["dataset"]["size"] == 64


def test_arrays_are_looked_through_as_well(program: Callable[..., Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 20, 24, 3), dtype=np.uint8)
    images[7] = images[2]
    labels = np.arange(12) % 3
    labels[7] = labels[2]
    file = tmp_path / "cells.npz"
    np.savez(file, train_images=images[:6], test_images=images[6:], train_labels=labels[:6],
             test_labels=labels[6:])  # fmt: skip
    sheet = tmp_path / "sheet.png"
    result = program("data", file, "--json", "-q", "--sheet", sheet)
    found = json.loads(result.out)
    assert found["splits"] == {"train": 6, "test": 6}
    assert found["classes"]["train"] == {"0": 2, "1": 2, "2": 2}
    assert found["exact_duplicates"] == found["across_splits"] == [["train[2]", "test[1]"]]
    assert found["modes"] == {"3 x uint8": 12}
    assert found["sizes"] == [{"width": 24, "height": 20, "count": 12}]
    assert found["dataset"] == {"type": "arrays", "path": str(file)}
    with Image.open(sheet) as drawn:
        assert drawn.height > 3 * 96


def test_points_are_counted_and_compared(program: Callable[..., Any], tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    points[4] = points[1]
    np.save(tmp_path / "points.npy", points)
    result = program("data", tmp_path / "points.npy", "-q")
    assert result.code == 0
    assert "train[1] = train[4]" in result.out
    assert "sizes" not in result.out
    refused = program("data", tmp_path / "points.npy", "-q", "--sheet", tmp_path / "sheet.png")
    assert refused.code == 2
    assert "no images to draw" in refused.err


def test_a_contact_sheet_has_a_row_for_each_class(
    program: Callable[..., Any], messy: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    result = program("data", messy, "--sheet", sheet, "-q")
    assert f"contact sheet: {sheet}" in result.err
    with Image.open(sheet) as drawn:
        assert (drawn.height - 4) // 100 == 2
        first = np.asarray(drawn.convert("RGB"))[4:100, -100:-4]
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 20
    assert program("data", messy, "--sheet", sheet, "-q").code == 2
    assert program("data", messy, "--sheet", sheet, "-q", "--force").code == 0


def test_turned_photos_have_the_size_they_are_shown_in(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(tmp_path / "turned.jpg", exif=tags)
    assert dict(survey.look_through(tmp_path).sizes) == {(20, 30): 1}


def test_depth_and_transparency_are_noticed(tmp_path: Path) -> None:
    deep = np.arange(400, dtype=np.uint16).reshape(20, 20) * 100
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.new("RGBA", (20, 20), (9, 9, 9, 99)).save(tmp_path / "clear.png")
    Image.new("1", (20, 20)).save(tmp_path / "ink.png")
    found = survey.look_through(tmp_path)
    assert dict(found.bits) == {8: 1, 16: 1, 1: 1}
    assert (found.transparent, found.coloured) == (1, 0)


def test_progress_is_reported(plain: Path) -> None:
    seen = []
    with reporting_to(lambda what, done, total: seen.append((what, done, total))):
        survey.look_through(plain)
    assert (f"looking through {plain}", 40, 40) in seen
    assert ("comparing images", 40, 40) in seen


def bad_path(tmp_path: Path, what: str) -> Path:
    folder = tmp_path / "bad"
    if what != "missing":
        folder.mkdir()
    if what == "no images":
        (folder / "notes.txt").write_text("none")
    if what == "all broken":
        (folder / "a.png").write_bytes(b"x")
    if what == "mixed up":
        (folder / "class").mkdir()
        for name in ("a.png", "class/b.png"):
            Image.new("L", (9, 9)).save(folder / name)
    if what == "not a zip file":
        path = folder / "data.zip"
        path.write_bytes(b"x")
        return path
    return folder


@pytest.mark.parametrize("command", ["data", "init --for"])
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "does not exist"),
        ("empty", "holds no images"),
        ("no images", "holds no images"),
        ("mixed up", "both in sub-folders"),
        ("not a zip file", "neither a folder nor a zip file"),
        ("all broken", "none of 1 images can be read: a.png"),
    ],
)
def test_what_cannot_be_looked_through_is_refused_in_a_sentence(
    command: str,
    what: str,
    message: str,
    program: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = bad_path(tmp_path, what)
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    more = ["--sheet", "sheet.png"] if command == "data" else []
    result = program(*command.split(), path, *more)
    assert (result.code, result.out) == (2, "")
    errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not list(working.iterdir())


def test_skipped_files_sizes_and_copies_are_put_in_words(
    program: Callable[..., Any], plain: Path
) -> None:
    (plain / "copy.png").write_bytes((plain / "01.png").read_bytes())
    (plain / "labels.csv").write_text("a,b")
    Image.new("L", (30, 20)).save(plain / "wide.png")
    lines = [line.split(maxsplit=1) for line in program("data", plain, "-q").out.splitlines()]
    assert ["copies", "2 in 1 group:"] in lines
    assert ["sizes", "16x16 41, 30x20 1 (width x height)"] in lines
    assert any(title == "note" and "1 file is skipped: 1 .csv" in text for title, text in lines)
