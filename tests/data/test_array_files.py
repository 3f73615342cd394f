"""Samples in NumPy's files."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import Arrays as Fields
from ganzoo.components import Condition, Images, Points, Sequences
from ganzoo.errors import DataError, DataWarning

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


def dataset(path: Path, **fields: Any) -> Arrays:
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
    with pytest.warns(DataWarning, match="class fox has no sample in split train"):
        info = opened.info()
    store = opened.build("train")
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
        ({"a": GREY, "b": LABELS}, "must hold 'images' .* it holds 'a', 'b'"),
        ({}, "it holds nothing"),
        ({"images": GREY, "samples": GREY}, "images and samples are samples of one split"),
        ({"images": GREY, "train_images": GREY}, "are samples of one split"),
        (
            {"images": GREY, "labels": LABELS[:5]},
            r"must be integers \(6,\) for classes, .*, not int64 \(5,\)",
        ),
        ({"images": GREY, "labels": LABELS / 2}, "labels must be integers"),
        ({"images": GREY, "labels": LABELS - 1}, "labels must count from 0, but one is -1"),
        ({"images": GREY, "labels": LABELS + 10**15}, "labels must be below 1,000,000"),
        ({"images": GREY, "labels": LABELS * 1e300}, "labels must be below 1,000,000"),
        ({"images": GREY, "labels": LABELS.astype(np.uint64) + 2**63}, "must be below 1,000,000"),
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


def test_labels_of_bytes_that_are_no_text_are_classes(tmp_path: Path) -> None:
    labels = np.array([b"a", b"\xff"] * 3)
    condition = dataset(npz(tmp_path, images=GREY, labels=labels)).info().condition
    assert condition == Condition("classes", 2, ("\\xff", "a"))


def test_labels_of_no_split_are_said_to_be_unused(tmp_path: Path) -> None:
    path = npz(tmp_path, images=GREY, fine_labels=LABELS, coarse_labels=LABELS)
    with pytest.warns(DataWarning, match="fine_labels, coarse_labels is not used"):
        dataset(path).info()


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


def test_a_path_in_the_home_of_nobody_is_a_missing_file() -> None:
    with pytest.raises(DataError, match=r"~nobody-1/data\.npy does not exist"):
        dataset(Path("~nobody-1/data.npy")).info()


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must end in \.npy or \.npz"):
        dataset(tmp_path / "data.csv").info()


DEEP = RNG.integers(0, 2**16, (6, 5, 4), dtype=np.uint16)
FLOATS = RNG.normal(size=(6, 2, 9)).astype(np.float32)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bit_images_keep_all_their_values(order: str, tmp_path: Path) -> None:
    opened = dataset(npy(tmp_path, DEEP.astype(order)))
    assert opened.info().samples == Images(1, 5, 4, bits=16)
    samples = opened.build("train").samples
    assert np.array_equal(samples, DEEP[:, None])
    assert samples.dtype == np.dtype(np.uint16)
    assert samples.dtype.isnative


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_any_number_of_channels_is_read_once_the_layout_is_given(
    channels: int, tmp_path: Path
) -> None:
    image = RNG.integers(0, 256, (6, 8, 7, channels), dtype=np.uint8)
    opened = dataset(npy(tmp_path, image), layout="nhwc")
    assert opened.info().samples == Images(channels, 8, 7)
    assert np.array_equal(opened.build("train").samples, np.moveaxis(image, -1, 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
@pytest.mark.parametrize(
    ("shape", "layout", "space"),
    [
        ((6, 3), "auto", Points(3)),
        ((6, 2, 9), "auto", Sequences(2, 9)),
        ((6, 2, 8, 8), "auto", Fields((2, 8, 8))),
        ((6, 1, 8, 8), "arrays", Fields((1, 8, 8))),
        ((6, 1, 4, 4, 4), "auto", Fields((1, 4, 4, 4))),
    ],
)
def test_floats_are_points_sequences_or_arrays(
    shape: tuple[int, ...], layout: str, space: Any, dtype: Any, tmp_path: Path
) -> None:
    array = RNG.normal(size=shape).astype(dtype)
    opened = dataset(npy(tmp_path, array), layout=layout)
    assert opened.info().samples == space
    split = opened.build("train")
    assert np.array_equal(split.samples, array.astype(np.float32))
    assert split.space == space
    if dtype is np.float32:
        assert isinstance(split.samples, np.memmap), "a file that needs no conversion stays mapped"


@pytest.mark.parametrize(
    ("name", "layout", "said"),
    [("samples", "auto", True), ("sequences", "auto", False), ("samples", "arrays", False)],
)
def test_floats_that_may_be_rows_of_images_are_said_to_be_read_as_sequences(
    name: str, layout: str, said: bool, tmp_path: Path
) -> None:
    np.savez(tmp_path / "digits.npz", **{name: np.zeros((6, 28, 28), np.float32)})
    opened = dataset(tmp_path / "digits.npz", layout=layout)
    expected = pytest.warns(DataWarning, match="28 steps with 28 channels; if they are images, set")
    with expected if said else nullcontext():
        assert opened.info().samples == Sequences(28, 28)


@pytest.mark.parametrize("shape", [(6, 1, 8, 8), (6, 8, 8, 3), (6, 3, 8, 8)])
def test_floats_that_may_be_images_are_refused_with_what_to_do(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    opened = dataset(npy(tmp_path, np.zeros(shape, np.float32)))
    with pytest.raises(DataError, match=r"uint8 or uint16, or set 'layout' to arrays"):
        opened.info()


def test_integers_are_not_taken_for_arrays_of_floats(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must be images, .*it is uint8 \(6, 5, 4, 3\)$"):
        dataset(npy(tmp_path, NHWC), layout="arrays").info()


@pytest.mark.parametrize(
    ("arrays", "condition", "values"),
    [
        ({"labels": LABELS[:, None]}, Condition("classes", 3), LABELS),
        ({"labels": np.eye(6, 4, dtype=np.int8)}, Condition("labels", 4), np.eye(6, 4)),
        ({"labels": np.eye(6, 2) > 0}, Condition("labels", 2), np.eye(6, 2)),
        (
            {"labels": np.eye(6, 2), "class_names": np.array(["smiles", "blond"])},
            Condition("labels", 2, ("smiles", "blond")),
            np.eye(6, 2),
        ),
        ({"labels": FLOATS[:, :, 0]}, Condition("values", 2), FLOATS[:, :, 0]),
        ({"values": LABELS}, Condition("values", 1), LABELS[:, None]),
        ({"values": np.eye(6, 2)}, Condition("values", 2), np.eye(6, 2)),
    ],
    ids=["column", "0 and 1", "bool", "named", "floats", "one value", "values of 0 and 1"],
)
def test_conditions_are_classes_labels_or_values(
    arrays: dict[str, Any], condition: Condition, values: np.ndarray, tmp_path: Path
) -> None:
    opened = dataset(npz(tmp_path, images=GREY, **arrays))
    assert opened.info().condition == condition
    found = opened.build("train").condition
    assert found is not None
    assert np.array_equal(found, values.astype(found.dtype))
    assert found.dtype == (np.int64 if condition.kind == "classes" else np.float32)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": LABELS, "values": LABELS}, "must have labels or values, not both"),
        ({"labels": np.stack([LABELS, LABELS], 1)}, r"or 0 and 1 \(6, k\), not int64 \(6, 2\)"),
        ({"labels": np.eye(5, 2)}, r"or 0 and 1 \(6, k\), not float64 \(5, 2\)"),
        ({"values": LABELS[:3]}, r"values must be numbers \(6,\) or \(6, k\), not int64 \(3,\)"),
        ({"values": np.array(list("abcdef"))}, "values must be numbers"),
        ({"values": np.full(6, np.nan)}, "values has numbers that are not finite in 6 of 6"),
        ({"labels": np.eye(6, 2), "class_names": np.array(["a"])}, "1 class_names for 2 labels"),
    ],
)
def test_conditions_that_cannot_be_are_refused(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    opened = dataset(npz(tmp_path, images=GREY, **arrays))
    with pytest.raises(DataError, match=message):
        opened.info()
    if "class_names" not in arrays:
        with pytest.raises(DataError, match=message):
            opened.build("train")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(6, 2), "conditions differ between splits: classes in train, labels in test"),
        (None, "split test has no labels, but others have"),
    ],
)
def test_conditions_are_the_same_in_all_splits(
    labels: np.ndarray | None, message: str, tmp_path: Path
) -> None:
    arrays = {"train_images": GREY, "train_labels": LABELS, "test_images": GREY}
    if labels is not None:
        arrays["test_labels"] = labels
    with pytest.raises(DataError, match=message):
        dataset(npz(tmp_path, **arrays)).info()
    arrays |= {"train_labels": np.eye(6, 2), "test_labels": np.eye(6, 3)}
    with pytest.raises(DataError, match=r"different numbers of labels: 2, 3"):
        dataset(npz(tmp_path, **arrays)).info()


def test_sources_are_read_with_their_samples(tmp_path: Path) -> None:
    opened = dataset(
        npz(
            tmp_path,
            train_images=NHWC,
            train_source=GREY,
            test_images=NHWC[:2],
            test_source=GREY[:2],
        )
    )
    info = opened.info()
    assert (info.samples, info.source, info.paired) == (Images(3, 5, 4), Images(1, 5, 4), True)
    for split in ("train", "test"):
        read = opened.build(split)
        assert read.source is not None
        assert np.array_equal(read.source, GREY[: len(read), None])
        assert read.source_space == info.source


def test_unpaired_sources_may_be_fewer_or_more(tmp_path: Path) -> None:
    for source in (GREY[:2], np.concatenate([GREY, GREY])):
        opened = dataset(npz(tmp_path, images=NHWC, source=source), paired=False)
        assert not opened.info().paired
        read = opened.build("train")
        assert not read.paired
        assert read.source is not None
        assert len(read.source) == len(source)


@pytest.mark.parametrize(
    ("arrays", "paired", "message"),
    [
        (
            {"images": GREY, "source": GREY[:4]},
            True,
            "6 samples cannot be paired with 4 sources in source; set 'paired' to false",
        ),
        ({"images": GREY}, False, "has no 'source', so 'paired' must be true"),
        (
            {"train_images": GREY, "train_source": GREY, "test_images": GREY},
            True,
            "split test has no source, but others have",
        ),
        (
            {
                "train_images": GREY,
                "train_source": GREY,
                "test_images": GREY,
                "test_source": DEEP,
            },
            True,
            "sources are uint8 in train_source, but uint16 in test_source",
        ),
        ({"images": GREY, "source": GREY.astype(int)}, True, "source must be images, uint8"),
    ],
)
def test_sources_that_do_not_fit_are_refused(
    arrays: dict[str, np.ndarray], paired: bool, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        dataset(npz(tmp_path, **arrays), paired=paired).info()
