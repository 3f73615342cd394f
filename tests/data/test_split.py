"""Splits: what they may hold, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganzoo.components import Arrays, Images, Points, Sequences
from ganzoo.data.split import Split, check_split
from ganzoo.errors import DataError

IMAGES = np.zeros((4, 3, 5, 6), np.uint8)


@pytest.mark.parametrize(
    ("samples", "space"),
    [
        (IMAGES, Images(3, 5, 6)),
        (IMAGES.astype(np.uint16), Images(3, 5, 6, bits=16)),
        (np.zeros((4, 2), np.float32), Points(2)),
        (np.zeros((4, 2, 7), np.float32), Sequences(2, 7)),
        (np.zeros((4, 2, 7, 7), np.float32), Arrays((2, 7, 7))),
    ],
)
def test_the_space_follows_from_shape_and_type(samples: np.ndarray, space: Any) -> None:
    split = Split(samples, source=samples)
    assert (split.space, split.source_space) == (space, space)
    assert split.nbytes == 2 * samples.nbytes
    assert Split(samples).source_space is None


def test_only_classes_are_classes() -> None:
    assert Split(IMAGES, np.arange(4)).classes is not None
    assert Split(IMAGES, np.zeros((4, 2), np.float32)).classes is None
    assert Split(IMAGES).classes is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"samples": np.zeros((4, 5, 6), np.uint8)}, "samples must be uint8 or uint16 images"),
        ({"samples": IMAGES.astype(np.float64)}, "these are float64"),
        ({"samples": IMAGES, "condition": np.arange(3)}, r"must be int64 \(4,\) or float32"),
        ({"samples": IMAGES, "condition": np.arange(4.0)}, r"not float64 \(4,\)"),
        ({"samples": IMAGES, "source": IMAGES[:2]}, "4 samples cannot be paired with 2 sources"),
        ({"samples": IMAGES, "source": IMAGES.astype(int), "paired": False}, "these are int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Split(**fields)


def test_a_split_that_is_not_there_is_refused_with_those_that_are() -> None:
    check_split("test", ("train", "test"), "set")
    with pytest.raises(DataError, match=r"^set has no split 'val' \(available: train, test\)$"):
        check_split("val", ("train", "test"), "set")
    with pytest.raises(DataError, match=r"\(available: none\)$"):
        check_split("val", (), "set")


def test_a_limit_draws_from_all_classes_alike_and_always_the_same() -> None:
    classes = np.repeat(np.arange(4), [50, 50, 50, 3])
    samples = np.arange(153, dtype=np.float32)[:, None].repeat(2, axis=1)
    split = Split(samples, classes, samples.copy())
    drawn = split.drawn(43)
    assert sorted(np.bincount(drawn.condition)) == [3, 13, 13, 14]
    assert np.array_equal(drawn.condition, classes[drawn.samples[:, 0].astype(int)])
    assert np.array_equal(drawn.samples, drawn.source)
    assert (np.diff(drawn.samples[:, 0]) > 0).all()
    assert np.array_equal(split.drawn(43).samples, drawn.samples)
    assert set(split.drawn(20).samples[:, 0]) < set(drawn.samples[:, 0])
    assert np.array_equal(split.drawn(153).samples, samples)


def test_a_limit_without_classes_keeps_unpaired_sources() -> None:
    samples = np.arange(40, dtype=np.float32)[:, None].repeat(2, axis=1)
    drawn = Split(samples, source=samples[:7], paired=False).drawn(10)
    assert (len(drawn), len(drawn.source), drawn.paired, drawn.condition) == (10, 7, False, None)
    with pytest.raises(DataError, match=r"dataset\.limit: 41 is more than the 40 samples"):
        Split(samples).drawn(41)
