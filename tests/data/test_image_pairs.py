"""Pairs of images, and images of two domains."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from ganzoo.builtin.datasets import Paired, Unpaired
from ganzoo.components import Condition, Dataset, Images
from ganzoo.errors import DataError


def put(root: Path, files: dict[str, int]) -> None:
    """Write grey images, each of one value."""
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), value).save(root / name)


def pairs(tmp_path: Path, **fields: Any) -> Paired:
    paths = {"source": str(tmp_path / "edges"), "target": str(tmp_path / "photos")}
    return Paired.model_validate({**paths, "size": 4, "mode": "grey", **fields})


def domains(tmp_path: Path, **fields: Any) -> Unpaired:
    paths = {"source": str(tmp_path / "horses"), "target": str(tmp_path / "zebras")}
    return Unpaired.model_validate({**paths, "size": 4, "mode": "grey", **fields})


def values(images: np.ndarray | None) -> list[int]:
    assert images is not None
    return images[:, 0, 0, 0].tolist()


def test_images_of_the_same_name_are_pairs_whatever_their_suffix(tmp_path: Path) -> None:
    put(tmp_path / "edges", {"a.png": 1, "a-b.png": 2, "c.d.bmp": 3})
    put(tmp_path / "photos", {"a.bmp": 11, "a-b.bmp": 12, "c.d.png": 13})
    dataset = pairs(tmp_path)
    info, split = dataset.info(), dataset.build("train")
    assert (info.samples, info.source) == (Images(1, 4, 4), Images(1, 4, 4))
    assert (info.paired, info.condition, info.splits) == (True, None, ("train",))
    assert sorted(values(split.samples)) == [11, 12, 13]
    assert [value + 10 for value in values(split.source)] == values(split.samples)
    assert split.paired


def test_splits_and_classes_are_those_of_folders(tmp_path: Path) -> None:
    names = ["train/cats/a", "train/dogs/a", "test/dogs/a"]
    put(tmp_path / "edges", {f"{name}.png": index for index, name in enumerate(names)})
    put(tmp_path / "photos", {f"{name}.bmp": index + 10 for index, name in enumerate(names)})
    dataset = pairs(tmp_path)
    assert set(dataset.info().splits) == {"train", "test"}
    assert dataset.info().condition == Condition("classes", 2, ("cats", "dogs"))
    train, test = dataset.build("train"), dataset.build("test")
    assert (values(train.source), values(train.samples)) == ([0, 1], [10, 11])
    assert (values(test.source), values(test.samples)) == ([2], [12])
    assert train.classes is not None
    assert train.classes.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"photos has no split 'val' \(available: "):
        dataset.build("val")


def test_zip_files_are_paired_from_below_their_single_folder(tmp_path: Path) -> None:
    for name, first in (("edges", 1), ("photos", 11)):
        put(tmp_path / name, {"train/a.png": first, "train/b.png": first + 1})
        shutil.make_archive(str(tmp_path / name), "zip", tmp_path, name)
    zipped = {name: str(tmp_path / f"{path}.zip") for name, path in PATHS.items()}
    split = Paired.model_validate({**zipped, "size": 4, "mode": "grey"}).build("train")
    assert (values(split.source), values(split.samples)) == ([1, 2], [11, 12])


PATHS = {"source": "edges", "target": "photos"}


def test_sources_may_have_another_mode_and_all_have_the_size(tmp_path: Path) -> None:
    put(tmp_path / "edges", {"a.png": 1})
    put(tmp_path / "photos", {"a.png": 2})
    dataset = pairs(tmp_path, size=[4, 6], mode="rgb", source_mode="grey")
    info, split = dataset.info(), dataset.build("train")
    assert (info.samples, info.source) == (Images(3, 4, 6), Images(1, 4, 6))
    assert (split.space, split.source_space) == (info.samples, info.source)


def test_images_without_a_partner_are_named(tmp_path: Path) -> None:
    put(tmp_path / "edges", {"a.png": 1, "b.png": 1, "c.png": 1, "d.png": 1})
    put(tmp_path / "photos", {"a.png": 1, "e.png": 1})
    with pytest.raises(
        DataError,
        match=r"cannot be paired: 4 images have no partner .*edges/b\.png, .*/c\.png, .*/d\.png, …",
    ):
        pairs(tmp_path).info()
    put(tmp_path / "photos", {"b.png": 1, "c.png": 1, "d.png": 1})
    with pytest.raises(DataError, match=r"1 images .* in the other: .*photos/e\.png$"):
        pairs(tmp_path).build("train")


def test_names_that_differ_only_in_their_suffix_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "edges", {"a.png": 1, "a.bmp": 1})
    put(tmp_path / "photos", {"a.png": 1})
    with pytest.raises(DataError, match=r"a\.bmp and a\.png, which differ only in their suffix"):
        pairs(tmp_path).info()


@pytest.mark.parametrize(("side", "source", "target"), [("left", 10, 200), ("right", 200, 10)])
@pytest.mark.parametrize("width", [16, 17])
def test_halves_of_one_image_are_a_pair(
    side: str, source: int, target: int, width: int, tmp_path: Path
) -> None:
    image = Image.new("L", (width, 8), 10)
    image.paste(200, (width // 2, 0, width, 8))
    (tmp_path / "both" / "train").mkdir(parents=True)
    image.save(tmp_path / "both" / "train" / "a.png")
    fields = {"path": str(tmp_path / "both"), "side_by_side": side, "size": 4, "mode": "grey"}
    dataset = Paired.model_validate(fields)
    assert dataset.info().source == Images(1, 4, 4)
    split = dataset.build("train")
    assert split.source is not None
    assert (split.source == source).all()
    assert (split.samples == target).all()
    again = dataset.build("train")
    assert np.array_equal(again.samples, split.samples)
    assert isinstance(again.samples, np.memmap)
    assert isinstance(again.source, np.memmap)


def test_halves_are_those_of_the_upright_image(tmp_path: Path) -> None:
    image = Image.new("L", (8, 16), 10)
    image.paste(200, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter: the top becomes the right
    (tmp_path / "both").mkdir()
    image.save(tmp_path / "both" / "a.png", exif=exif)
    fields = {"path": str(tmp_path / "both"), "side_by_side": "left", "size": 4, "mode": "grey"}
    split = Paired.model_validate(fields).build("train")
    assert (values(split.source), values(split.samples)) == ([10], [200])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"source": "x"},
        {"target": "x"},
        {"path": "x"},
        {"side_by_side": "left"},
        {"source": "x", "target": "x", "side_by_side": "left"},
        {"source": "x", "target": "x", "path": "x", "side_by_side": "left"},
    ],
    ids=str,
)
def test_paths_are_two_folders_or_one(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give 'source' and 'target', or 'path' and"):
        Paired.model_validate(fields)


def test_domains_need_not_match(tmp_path: Path) -> None:
    put(tmp_path / "horses", {"a.png": 1, "b.png": 2, "c.png": 3})
    put(tmp_path / "zebras", {"x.png": 11})
    dataset = domains(tmp_path)
    info, split = dataset.info(), dataset.build("train")
    assert (info.samples, info.source) == (Images(1, 4, 4), Images(1, 4, 4))
    assert (info.paired, info.splits) == (False, ("train",))
    assert not split.paired
    assert (values(split.source), values(split.samples)) == ([1, 2, 3], [11])


def test_splits_of_domains_are_those_that_both_have(tmp_path: Path) -> None:
    put(tmp_path / "horses", {"train/a.png": 1, "test/b.png": 2})
    put(tmp_path / "zebras", {"train/a.png": 11, "val/b.png": 12})
    dataset = domains(tmp_path)
    assert dataset.info().splits == ("train",)
    assert values(dataset.build("train").source) == [1]
    with pytest.raises(DataError, match="no split 'val'"):
        dataset.build("val")
    shutil.rmtree(tmp_path / "horses" / "train")
    with pytest.raises(DataError, match=r"no split in common \(test and train, val\)"):
        dataset.info()


@pytest.mark.parametrize("make", [pairs, domains])
def test_paths_become_absolute_and_specs_load_again(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    adapter = TypeAdapter(Dataset)
    dataset = make(Path(), size=[4, 6])
    absolute = dataset.with_absolute_paths()
    for name in ("source", "target"):
        assert getattr(absolute, name) == str(tmp_path / getattr(dataset, name))
    for each in (dataset, absolute):
        assert adapter.validate_python(adapter.dump_python(each)) == each
    assert absolute.with_absolute_paths() == absolute
