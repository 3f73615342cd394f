"""Folders that are splits, folders that are classes, and folders that may be either."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ganzoo.builtin.datasets import Folder
from ganzoo.components import Condition
from ganzoo.data.splits import are_splits
from ganzoo.errors import DataError, DataWarning


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def put(root: Path, *names: str) -> Folder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(root / name)
    return Folder(path=str(root), size=4)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("Train", "Test"), ("test", "train")),
        (("TRAIN", "VAL", "TEST"), ("test", "train", "val")),
        (("training", "testing"), ("test", "train")),
        (("Training", "Validation"), ("train", "validation")),
        (("train", "valid", "test"), ("test", "train", "valid")),
        (("Train",), ("train",)),
    ],
)
def test_splits_are_found_however_they_are_written(
    names: tuple[str, ...], splits: tuple[str, ...], root: Path
) -> None:
    dataset = put(root, *(f"{name}/{animal}/a.png" for name in names for animal in ("cat", "dog")))
    info = dataset.info()
    assert sorted(info.splits) == list(splits)
    assert info.condition == Condition("classes", 2, ("cat", "dog"))
    assert all(len(dataset.build(split)) == 2 for split in splits)


@pytest.mark.parametrize(
    "names",
    [
        ("trainA", "trainB", "testA", "testB"),
        ("training_set", "test_set"),
        ("train2017", "val2017"),
        ("seg_train", "seg_test", "seg_pred"),
        ("trainset", "testset"),
        ("tr", "te"),
        ("train-images", "holdout"),
        ("cats", "dogs", "test"),
        ("cats", "dogs", "Validation"),
        ("train", "extra"),
        ("train", "test", "other"),
        ("images_train", "images_test"),
        ("train", "dev"),
    ],
)
def test_names_near_those_of_splits_are_refused(names: tuple[str, ...], root: Path) -> None:
    dataset = put(root, *(f"{name}/a.png" for name in names))
    for method in (dataset.info, lambda: dataset.build("train")):
        with pytest.raises(
            DataError, match=r"^dataset\.path: .*seem to be splits.*rename"
        ) as caught:
            method()
    assert len(str(caught.value).splitlines()) == 1
    inner = put(root / "whole", *(f"train/{name}/a.png" for name in names))
    assert inner.info().splits == ("train",), "the way out that the message names"


@pytest.mark.parametrize(
    "names",
    [
        ("plane", "train"),
        ("airport", "train_station"),
        ("valley", "testudo", "trainers"),
        ("extra", "normal"),
        ("a", "b", "c"),
    ],
)
def test_names_of_things_are_classes(names: tuple[str, ...]) -> None:
    assert not are_splits(names, "here")


def test_one_split_in_two_folders_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match="train and training are the same split"):
        put(root, "train/a.png", "training/a.png", "test/a.png").info()


def test_splits_below_classes_are_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"put the splits above the classes \(test/cats\)"):
        put(root, "cats/test/a.png", "cats/train/a.png", "dogs/train/a.png").info()


def test_a_split_may_have_no_labels(root: Path) -> None:
    dataset = put(root, "train/cats/a.png", "train/dogs/a.png", "unlabeled/a.png", "test/b.png")
    assert dataset.info().condition == Condition("classes", 2, ("cats", "dogs"))
    assert dataset.build("train").condition is not None
    assert dataset.build("unlabeled").condition is None
    assert dataset.model_copy(update={"split": "test"}).info().condition is None


def test_classes_without_samples_are_named(root: Path) -> None:
    names = ("cats", "dogs", "eels")
    dataset = put(root, "train/cats/a.png", "train/dogs/a.png", *(f"test/{n}/a.png" for n in names))
    with pytest.warns(DataWarning, match="class eels has no sample in split train"):
        dataset.info()
