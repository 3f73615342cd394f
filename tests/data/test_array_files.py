"""Samples in NumPy's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import Condition
from ganzoo.errors import DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
NHWC = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
NCHW = np.moveaxis(NHWC, -1, 1)
POINTS = RNG.normal(size=(6, 2)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def npy(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "data.npy", array)
    return folder / "data.npy"


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def dataset(path: Path, **fields: str) -> Arrays:
    return Arrays.model_validate({"path": str(path), **fields})


@pytest.mark.parametrize(
    ("array", "layout", "expected"),
    [
        (GREY, "auto", GREY[:, None]),
        (NHWC, "auto", NCHW),
        (NCHW, "auto", NCHW),
        (np.asfortranarray(NHWC), "auto", NCHW),
        (NHWC[..., :1], "auto", NCHW[:, :1]),
        (NHWC[..., :2], "nhwc", NCHW[:, :2]),
        (NHWC[:, :3], "nhwc", NCHW[:, :, :3]),
        (NHWC[:, :3], "nchw", NHWC[:, :3]),
        (POINTS, "auto", POINTS),
        (POINTS.astype(np.float64), "auto", POINTS),
        (POINTS.astype(">f4"), "auto", POINTS),
    ],
)
def test_arrays_become_channels_first(
    array: np.ndarray, layout: str, expected: np.ndarray, tmp_path: Path
) -> None:
    for path in (npy(tmp_path, array), npz(tmp_path, samples=array)):
        opened = dataset(path, layout=layout)
        info, store = opened.info(), opened.build("train")
        assert np.array_equal(store.samples, expected)
        assert info.sample_shape == expected.shape[1:]
        assert (info.condition, info.splits, store.condition) == (None, ("train",), None)


@pytest.mark.parametrize("array", [NHWC[:, :3], NHWC[..., :2]], ids=["either", "neither"])
def test_channels_that_cannot_be_told_are_asked_for(array: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="second axis or the last; set 'layout' to nchw or nhwc"):
        dataset(npy(tmp_path, array)).info()


def test_large_files_are_mapped_and_not_changed(tmp_path: Path) -> None:
    path = npy(tmp_path, NCHW)
    samples = dataset(path).build("train").samples
    assert isinstance(samples, np.memmap)
    samples[:] = 0
    assert np.array_equal(np.load(path), NCHW)


def test_labels_and_their_names_come_along(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "eel", "fox"])
    opened = dataset(npz(tmp_path, images=GREY, labels=LABELS.astype(">u2"), class_names=names))
    info, store = opened.info(), opened.build("train")
    assert info.condition == Condition("classes", 4, ("cat", "dog", "eel", "fox"))
    assert store.classes is not None
    assert (store.classes.tolist(), store.classes.dtype) == (LABELS.tolist(), np.int64)


def test_keys_name_splits(tmp_path: Path) -> None:
    opened = dataset(
        npz(
            tmp_path,
            train_images=GREY,
            train_labels=LABELS,
            test_images=GREY[:2],
            test_labels=LABELS[:2],
            notes=np.zeros(3),
        )
    )
    assert opened.info().splits == ("train", "test")
    assert opened.info().condition == Condition("classes", 3)
    assert len(opened.build("test")) == 2
    with pytest.raises(DataError, match=r"no split 'val' \(available: train, test\)"):
        opened.build("val")


def test_info_does_not_read_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, ...]] = []
    true = np.lib.format.read_array

    def spy(*args: Any, **kwargs: Any) -> np.ndarray:
        array = true(*args, **kwargs)
        read.append(array.shape)
        return array

    monkeypatch.setattr(np.lib.format, "read_array", spy)
    opened = dataset(npz(tmp_path, images=GREY, labels=LABELS))
    assert opened.info().sample_shape == (1, 5, 4)
    assert set(read) == {LABELS.shape}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            NHWC / 255,
            r"must be images, uint8 .* or points, .*; it is float64 \(6, 5, 4, 3\)",
        ),
        (GREY.astype(np.int64), "it is int64"),
        (GREY[0], r"it is uint8 \(5, 4\)"),
        (POINTS.astype(np.float16), "it is float16"),
        (GREY[:0], r"is empty: its shape is \(0, 5, 4\)"),
        (np.array([{}, {}]), "cannot be read: .*allow_pickle|cannot be read: .*Python objects"),
    ],
)
def test_arrays_that_cannot_be_samples_are_refused(
    array: np.ndarray, message: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "data.npy", array, allow_pickle=True)
    for method in (lambda each: each.info(), lambda each: each.build("train")):
        with pytest.raises(DataError, match=message):
            method(dataset(tmp_path / "data.npy"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": GREY, "y": LABELS}, "must hold 'images' .* it holds 'x', 'y'"),
        ({}, "it holds nothing"),
        ({"images": GREY, "samples": GREY}, "images and samples are samples of one split"),
        ({"images": GREY, "train_images": GREY}, "are samples of one split"),
        (
            {"images": GREY, "labels": LABELS[:5]},
            r"must be integers \(6,\) for classes, .*, not int64 \(5,\)",
        ),
        ({"images": GREY, "labels": LABELS / 2}, "labels must be integers"),
        ({"images": GREY, "labels": LABELS - 1}, "labels must count from 0, but has -1"),
        (
            {"images": GREY, "labels": LABELS, "class_names": np.array(["cat"])},
            "there are 1 class_names, but labels up to 2",
        ),
        (
            {"images": GREY, "labels": LABELS, "class_names": LABELS},
            "class_names must be a list of strings",
        ),
        (
            {"train_images": GREY, "train_labels": LABELS, "test_images": GREY},
            "split test has no labels",
        ),
        (
            {"train_images": GREY, "test_images": NHWC},
            r"samples are \(1, 5, 4\) in train_images, but \(3, 5, 4\) in test_images",
        ),
    ],
)
def test_names_and_labels_that_do_not_match_are_refused(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        dataset(npz(tmp_path, **arrays)).info()


def test_pickled_labels_are_refused(tmp_path: Path) -> None:
    labels = np.array([{}] * 6)
    np.savez(tmp_path / "data.npz", images=GREY, labels=labels, allow_pickle=True)
    with pytest.raises(DataError, match=r"data\.npz cannot be read"):
        dataset(tmp_path / "data.npz").info()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_points_that_are_not_finite_are_refused(bad: float, tmp_path: Path) -> None:
    points = POINTS.astype(np.float64)
    points[4, 1] = bad
    with pytest.raises(DataError, match="not finite in 1 of 6 rows; the first is row 4"):
        dataset(npy(tmp_path, points)).build("train")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_missing_and_damaged_files_are_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"data{suffix}"
    with pytest.raises(DataError, match=rf"data\{suffix} does not exist"):
        dataset(path).info()
    whole = (npy(tmp_path, GREY) if suffix == ".npy" else npz(tmp_path, images=GREY)).read_bytes()
    for content in (b"", b"garbage", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"data\{suffix} cannot be read"):
            dataset(path).build("train")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must end in \.npy or \.npz"):
        dataset(tmp_path / "data.csv").info()
