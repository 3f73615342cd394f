"""NumPy files as people have them, and files that claim what they do not hold."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import Condition, Images
from ganzoo.data import array_store
from ganzoo.errors import DataError, DataWarning

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (8, 5, 4), dtype=np.uint8)
LABELS = np.arange(8) % 4


def npz(folder: Path, **arrays: Any) -> Arrays:
    np.savez(folder / "data.npz", **arrays)
    return Arrays(path=str(folder / "data.npz"))


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("train_data", "train_label", "test_data", "test_label"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("training_images", "training_labels", "testing_images", "testing_labels"),
    ],
)
def test_names_that_people_give_are_understood(names: tuple[str, ...], tmp_path: Path) -> None:
    arrays = dict(zip(names, (GREY, LABELS, GREY[:4], LABELS[:4]), strict=True))
    dataset = npz(tmp_path, **arrays)
    info = dataset.info()
    assert (info.splits, info.condition) == (("train", "test"), Condition("classes", 4))
    assert (len(dataset.build("train")), len(dataset.build("test"))) == (8, 4)


@pytest.mark.parametrize(
    "names", [("x", "y"), ("data", "target"), ("image", "label"), ("arr_0", "arr_1"), ("X", "Y")]
)
def test_names_without_a_split_are_understood(names: tuple[str, str], tmp_path: Path) -> None:
    dataset = npz(tmp_path, **dict(zip(names, (GREY, LABELS), strict=True)))
    assert dataset.info().condition == Condition("classes", 4)
    assert len(dataset.build("train")) == 8


def test_own_names_come_first_and_others_are_said(tmp_path: Path) -> None:
    dataset = npz(tmp_path, images=GREY, data=GREY, notes=np.zeros(3), ages=np.arange(8))
    with pytest.warns(DataWarning, match=r"data\.npz: data, ages is not used"):
        assert dataset.info().condition is None


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS.astype(np.float32), None),
        (LABELS.astype(np.float64)[:, None], None),
        (LABELS.astype(np.uint8)[:, None], None),
        (np.eye(4)[LABELS], None),
        (np.eye(4, dtype=bool)[LABELS], None),
        (np.array(list("abcd"))[LABELS], ("a", "b", "c", "d")),
        (np.array(list("abcd"))[LABELS][:, None], ("a", "b", "c", "d")),
        (np.array([b"a", b"b", b"c", b"d"])[LABELS], ("a", "b", "c", "d")),
    ],
    ids=["float", "float column", "column", "one-hot", "bool", "text", "text column", "bytes"],
)
def test_classes_are_found_however_they_are_stored(
    labels: np.ndarray, names: tuple[str, ...] | None, tmp_path: Path
) -> None:
    dataset = npz(tmp_path, images=GREY, labels=labels)
    assert dataset.info().condition == Condition("classes", 4, names)
    classes = dataset.build("train").classes
    assert classes is not None
    assert classes.tolist() == LABELS.tolist()


def test_texts_have_the_same_numbers_in_all_splits(tmp_path: Path) -> None:
    texts = np.array(list("abcd"))
    dataset = npz(
        tmp_path,
        train_images=GREY,
        train_labels=texts[LABELS],
        test_images=GREY[:2],
        test_labels=texts[[3, 1]],
    )
    classes = dataset.build("test").classes
    assert classes is not None
    assert classes.tolist() == [3, 1]


def test_rows_with_one_label_are_not_classes_where_others_have_several(tmp_path: Path) -> None:
    labels = np.eye(4)[LABELS]
    labels[5] = 1
    assert npz(tmp_path, images=GREY, labels=labels).info().condition == Condition("labels", 4)


def test_what_to_do_with_other_labels_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="numbers that are not classes are called 'values'"):
        npz(tmp_path, images=GREY, labels=LABELS / 2).info()
    with pytest.raises(DataError, match=r"Python objects; store texts with \.astype\(str\)"):
        npz(tmp_path, images=GREY, labels=np.array(["a", "b"] * 4, object)).info()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (LABELS + 1, "class 0 has no sample in split train"),
        (
            LABELS * 1000,
            r"2,997 of 3,001 classes have no sample in split train \(1, 2, 3, 4, 5, …\)",
        ),
    ],
)
def test_empty_classes_are_said(labels: np.ndarray, said: str, tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=said):
        npz(tmp_path, images=GREY, labels=labels).info()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16])
def test_images_of_any_type_are_read_with_their_range(dtype: Any, tmp_path: Path) -> None:
    array = RNG.integers(0, 101, (6, 5, 4, 3))
    np.save(tmp_path / "x.npy", array.astype(dtype))
    dataset = Arrays(path=str(tmp_path / "x.npy"), range=(0, 100))
    assert dataset.info().samples == Images(3, 5, 4)
    expected = np.moveaxis(np.rint(array / 100 * 255), -1, 1)
    assert np.array_equal(dataset.build("train").samples, expected)
    deep = dataset.model_copy(update={"bits": 16})
    assert deep.info().samples == Images(3, 5, 4, bits=16)
    assert np.array_equal(
        deep.build("train").samples, np.moveaxis(np.rint(array / 100 * 65535), -1, 1)
    )
    with pytest.raises(DataError, match=r"outside the range \[0, 50\]"):
        dataset.model_copy(update={"range": (0, 50)}).build("train")


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_without_a_range_it_is_asked_for(dtype: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((6, 5, 4, 3), dtype))
    with pytest.raises(
        DataError, match=r"^dataset\.path: .*set 'range' to the numbers that are black"
    ):
        Arrays(path=str(tmp_path / "x.npy")).info()


def header(shape: str, version: bytes = b"\1\0") -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header("(8589934592,)"), "it claims 8,589,934,720 bytes, and has"),
        (header("(8388608, 1, 512, 65536)"), "it claims 281,474,976,710,784 bytes"),
        (header(f"({2**62}, {2**62}, 3)"), "it claims"),
        (header("(-6, 5, 4)"), "has a negative length"),
        (header("(6, 5, 4"), ""),
        (header("'six'"), ""),
        (header("(" * 300), ""),
        (header("(6, 5, 4)", b"\7\7"), ""),
        (b"\x93NUMPY\1\0\xff\xff{", ""),
        (b"", ""),
    ],
)
def test_headers_that_lie_or_make_no_sense_are_one_sentence(
    suffix: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", content)
    for method in (lambda each: each.info(), lambda each: each.build("train")):
        with pytest.raises(
            DataError, match=rf"^dataset\.path: .*x\.{suffix} cannot be read: .*{reason}"
        ) as e:
            method(Arrays(path=str(path)))
        assert "\n" not in str(e.value)


def test_arrays_larger_than_memory_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_store, "machine_memory", lambda: 1000)
    file = io.BytesIO()
    np.save(file, np.zeros((100, 8, 8), np.uint8))
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", file.getvalue())
    with pytest.raises(DataError, match=r"more than the memory of this machine; store it as \.npy"):
        Arrays(path=str(tmp_path / "x.npz")).info()


def test_a_file_in_the_wrong_case_is_found_out(tmp_path: Path) -> None:
    np.save(tmp_path / "Cells.npy", GREY)
    with pytest.raises(
        DataError, match=r"^dataset\.path: .*cells\.npy does not exist; did you mean .*Cells"
    ):
        Arrays(path=str(tmp_path / "cells.npy")).info()
