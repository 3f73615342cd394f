"""Checks of data sets: what they say of themselves, and what they hold."""

from __future__ import annotations

import hashlib
import re
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.components import Dataset, DatasetInfo
from ganzoo.errors import DataError
from ganzoo.testing.faults import check, require

ALIKE = 0.01
"""Share of a split that may also be in another one: real data have some samples twice."""

APART = re.compile(r"(train|val|valid|validation|test)([-_].*)?")
"""Splits named so must have different samples; others, as "trainval", may overlap on purpose."""


@check
def check_info(dataset: Dataset) -> None:
    """What is said before reading is whole and consistent."""
    info = dataset.info()
    require(
        isinstance(info, DatasetInfo),
        f"'info' returns a {type(info).__name__}; it must be a DatasetInfo",
    )
    require(
        len(info.sample_shape) in {1, 3} and all(side >= 1 for side in info.sample_shape),
        f"the shape of a sample is {info.sample_shape}; it must be (channels, height, width), or"
        " (dimensions,) for points",
    )
    require(
        info.splits and len(set(info.splits)) == len(info.splits),
        f"the splits are {info.splits}; there must be at least one, and each once",
    )
    require(
        dataset.split in info.splits,
        f"the default split {dataset.split!r} is none of {info.splits}; it must be one",
    )
    require(
        info.class_names is None or len(info.class_names) == info.num_classes,
        f"there are {len(info.class_names or ())} names for {info.num_classes} classes; there must"
        " be one for each",
    )


@check
def check_samples(dataset: Dataset) -> None:
    """Each split has samples of the shape that ``info`` says, and labels in range."""
    info = dataset.info()
    for split, store in _stores(dataset, info).items():
        require(len(store), f"split {split!r} is empty; it must have samples")
        require(
            store.samples.shape[1:] == info.sample_shape,
            f"samples of split {split!r} have shape {store.samples.shape[1:]}; 'info' says"
            f" {info.sample_shape}",
        )
        if len(info.sample_shape) == 1:
            require(
                np.isfinite(store.samples).all(),
                f"points of split {split!r} are not finite; they must be",
            )
        if store.labels is None:
            require(
                info.num_classes is None or split != dataset.split,
                f"split {split!r} has no labels; 'info' says {info.num_classes} classes",
            )
            continue
        least, most = store.labels.min(), store.labels.max()
        classes = info.num_classes
        require(
            classes is not None,
            f"split {split!r} has labels, and 'info' says there are none; it must say how many classes",
        )
        require(
            least >= 0 and most < (classes or 0),
            f"labels of split {split!r} go from {least} to {most}; of {classes} classes, they must lie"
            f" from 0 to {(classes or 0) - 1}",
        )


@check
def check_repeats(dataset: Dataset) -> None:
    """Reading a split twice gives the same samples in the same order."""
    info = dataset.info()
    again = _stores(dataset, info)
    for split, store in _stores(dataset, info).items():
        other = again[split]
        require(
            np.array_equal(store.samples, other.samples)
            and np.array_equal(_labels(store), _labels(other)),
            f"split {split!r} is another when it is read again; samples and their order must be the"
            " same, or no run can be resumed",
        )


@check
def check_splits(dataset: Dataset) -> None:
    """Splits for training, validation and testing have different samples; others are refused."""
    info = dataset.info()
    prints = {
        split: {hashlib.sha256(sample.tobytes()).digest() for sample in store.samples}
        for split, store in _stores(dataset, info).items()
        if APART.fullmatch(split)
    }
    for one, other in combinations(prints, 2):
        shared = len(prints[one] & prints[other])
        smaller = min(len(prints[one]), len(prints[other]))
        require(
            shared <= ALIKE * smaller,
            f"{shared} of {smaller} samples are in both {one!r} and {other!r}; they must be apart, or"
            " judging on one says nothing about the other",
        )
    try:
        dataset.build("no-such-split")
    except DataError:
        return
    require(False, "a split that is not there can be built; it must be refused by a DataError")


@check
def check_absolute_paths(dataset: Dataset) -> None:
    """With absolute paths it is the same data set, and it then stays as it is."""
    absolute = dataset.with_absolute_paths()
    require(
        type(absolute) is type(dataset) and absolute.info() == dataset.info(),
        "'with_absolute_paths' gives another data set; it must be the same with absolute paths",
    )
    require(
        absolute.with_absolute_paths() == absolute,
        "'with_absolute_paths' changes paths that are absolute already; it must leave that as it is",
    )


@check
def check_mixture(dataset: Dataset) -> None:
    """Where the distribution is a known mixture, it is that of the samples."""
    mixture = dataset.mixture()
    if mixture is None:
        return
    info = dataset.info()
    centers = np.asarray(mixture.centers, dtype=np.float64)
    require(
        centers.shape[1:] == info.sample_shape and np.isfinite(centers).all() and mixture.std > 0,
        f"the mixture has centers {centers.shape[1:]} and deviation {mixture.std}; centers must be"
        f" points {info.sample_shape} and the deviation above 0",
    )
    points = np.asarray(dataset.build(dataset.split).samples[:5000], dtype=np.float64)
    distances = np.linalg.norm(points[:, None] - centers[None], axis=2)
    far = (distances.min(axis=1) > 5 * mixture.std * points.shape[1] ** 0.5).mean()
    require(
        far < 0.01,
        f"{far:.0%} of the samples lie far from all centers of the mixture; it must be the one they"
        " come from",
    )


def _stores(dataset: Dataset, info: DatasetInfo) -> dict[str, ImageStore]:
    return {split: dataset.build(split) for split in info.splits}


def _labels(store: ImageStore) -> npt.NDArray[Any]:
    return np.zeros(0) if store.labels is None else store.labels
