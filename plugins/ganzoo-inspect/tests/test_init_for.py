"""``ganzoo init --for``: specs that are valid, explained, and train as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_inspect.proposal import propose_spec
from PIL import Image

from ganzoo import api
from ganzoo.errors import UsageError


def folder_of(tmp_path: Path, count: int, size: tuple[int, int], mode: str = "RGB") -> Path:
    folder = tmp_path / "My photos (2)"
    folder.mkdir()
    rng = np.random.default_rng(0)
    shape = (size[1], size[0], 3) if mode == "RGB" else size[::-1]
    for number in range(count):
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
        image.save(folder / f"{number}.png")
    return folder


def test_a_spec_is_written_that_trains_as_it_is(
    program: Callable[..., Any], plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = program("init", "--for", plain, "--schema")
    assert (result.code, result.out) == (0, "plain.json\nganzoo.spec.schema.json\n")
    assert program("validate", "plain.json").code == 0
    data = json.loads((tmp_path / "plain.json").read_text())
    assert data["dataset"] == {"type": "folder", "path": str(plain), "size": 16, "mode": "grey"}
    assert data["augmentation"]["operations"] == ["translation", "cutout"]
    assert data["training"]["batch_size"] == 8
    assert not data["generator"]["conditional"]
    small = [
        "training.duration=2 steps",
        "generator.channels=4",
        "discriminator.channels=4",
        "evaluation.samples=16",
        "device=cpu",
    ]
    run = api.run(api.load_spec("plain.json", overrides=small))
    (report,) = run.directory.training_reports().values()
    values = {each["name"]: each["mean"] for each in json.loads(report.read_text())["values"]}
    assert values["fd@random-conv"] > 0
    again = program("init", "--for", plain)
    assert again.code == 2
    assert "exists already" in again.err


def test_colours_sizes_and_numbers_decide_the_settings(tmp_path: Path) -> None:
    spec = propose_spec(folder_of(tmp_path, 250, (90, 80)))
    assert spec["name"] == "My-photos-2"
    assert spec["dataset"]["size"] == 64
    assert spec["dataset"]["mode"] == "rgb"
    assert spec["training"]["batch_size"] == 32
    assert spec["augmentation"]["operations"] == ["color", "translation", "cutout"]
    assert spec["generator"]["channels"] == 64
    for word in (
        "64 x 64",
        "RGB",
        "resized",
        "Batch: 32",
        "color",
        "horizontal_flip",
        "22,500 steps",
    ):
        assert word in spec["description"]
    api.load_spec(spec).check()


@pytest.mark.parametrize(
    ("side", "size"), [(28, 28), (30, 28), (17, 16), (9, 8), (64, 64), (500, 64)]
)
def test_every_size_becomes_one_that_the_networks_can_make(
    side: int, size: int, tmp_path: Path
) -> None:
    spec = propose_spec(folder_of(tmp_path, 16, (side, side), "L"))
    assert spec["dataset"]["size"] == size
    api.load_spec(spec).check()


def test_classes_are_told_where_each_has_enough_images(tmp_path: Path) -> None:
    for counts, told in (((12, 14), True), ((12, 9), False)):
        folder = tmp_path / str(told)
        for label, count in zip(("a", "b"), counts, strict=True):
            (folder / "train" / label).mkdir(parents=True)
            for number in range(count):
                Image.new("L", (16, 16), number).save(folder / "train" / label / f"{number}.png")
        spec = propose_spec(folder)
        assert spec["generator"]["conditional"] is spec["discriminator"]["conditional"] is told
        assert spec["output"]["samples"] == (16 if told else 64)
        api.load_spec(spec).check()


def test_held_out_images_are_used_to_look_for_memorization(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "set" / split).mkdir(parents=True)
        for number in range(16):
            image = Image.new("L", (16, 16), number)
            image.save(tmp_path / "set" / split / f"{number}.png")
    metrics = propose_spec(tmp_path / "set")["evaluation"]["metrics"]
    assert metrics[-1] == {"type": "memorization", "extractor": "pixels"}


def test_arrays_of_images_get_a_spec_and_points_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "cells.npy", rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8))
    spec = propose_spec(tmp_path / "cells.npy")
    assert spec["dataset"] == {"type": "arrays", "path": str(tmp_path / "cells.npy")}
    api.load_spec(spec).check()
    np.save(tmp_path / "points.npy", rng.normal(size=(20, 2)).astype(np.float32))
    with pytest.raises(UsageError, match="not images"):
        propose_spec(tmp_path / "points.npy")


@pytest.mark.parametrize(
    ("count", "operations"), [(999, ["translation", "cutout"]), (1000, ["cutout"]), (10_000, None)]
)
def test_the_more_images_the_less_augmentation(
    count: int, operations: list[str] | None, tmp_path: Path
) -> None:
    np.save(tmp_path / "many.npy", np.zeros((count, 8, 8), np.uint8))
    spec = propose_spec(tmp_path / "many.npy")
    assert spec.get("augmentation", {}).get("operations") == operations
    assert spec["training"]["duration"] == ("6000 steps" if operations else "4000 steps")


def test_one_broken_file_is_named_and_nothing_is_written(
    program: Callable[..., Any], plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (plain / "broken.png").write_bytes(b"x")
    result = program("init", "--for", plain)
    assert result.code == 2
    assert "1 of 41 images" in result.err
    assert "broken.png" in result.err
    assert [each.name for each in tmp_path.iterdir()] == ["plain"]


def test_a_handful_of_images_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 3 images to train on; at least 16"):
        propose_spec(folder_of(tmp_path, 3, (16, 16)))


@pytest.mark.parametrize("arguments", [[], ["digits", "--for", "photos"]])
def test_a_recipe_or_data_are_needed_and_not_both(
    program: Callable[..., Any], arguments: list[str]
) -> None:
    result = program("init", *arguments)
    assert result.code == 2
    assert "either the name of a recipe, or --for" in result.err


@pytest.mark.parametrize(("size", "double"), [((96, 64), False), ((300, 200), True)])
def test_a_larger_size_is_suggested_where_images_have_it(
    size: tuple[int, int], double: bool, tmp_path: Path
) -> None:
    description = propose_spec(folder_of(tmp_path, 16, size, "L"))["description"]
    assert ("Double it" in description) is double


def test_it_is_said_what_becomes_of_transparent_parts(tmp_path: Path) -> None:
    for number in range(16):
        Image.new("RGBA", (16, 16), (number, 0, 0, 9 * number)).save(tmp_path / f"{number}.png")
    assert "Transparent parts become white" in propose_spec(tmp_path)["description"]


def test_the_path_is_whole_and_nothing_is_shown_with_quiet(
    program: Callable[..., Any], plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    result = program("init", "--for", "plain", "-q", "-o", "specs/mine.json")
    assert (result.code, result.err) == (0, "")
    data = json.loads((tmp_path / "specs" / "mine.json").read_text())
    assert data["dataset"]["path"] == str(plain)
    monkeypatch.chdir(tmp_path / "specs")
    assert program("validate", "mine.json").code == 0


def test_rows_that_may_be_images_are_said(program: Callable[..., Any], tmp_path: Path) -> None:
    np.save(tmp_path / "digits.npy", np.zeros((20, 28, 28), np.float32))
    assert "set 'range'" in program("data", tmp_path / "digits.npy").out
