"""Reading the file of digits that scikit-learn ships."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganzoo.errors import DataError

COUNT, PIXELS, WHITE = 1797, 64, 16
"""Digits in the file of scikit-learn, pixels of each, and the number that is white."""

INNER, SIDE = 20, 28
"""Pixels a side that digits of MNIST fill, and those of an image."""

HELD_OUT = 5
"""One digit of so many is in split test."""


def read(split: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the enlarged digits of a split, (N, 1, 28, 28), and their classes.

    Raises:
        DataError: the file of scikit-learn is missing or damaged.
    """
    rows = _rows()
    classes = rows[:, PIXELS].astype(np.int64)
    number = np.zeros(len(rows), np.int64)  # of a digit among those of its class
    for each in range(10):
        mine = classes == each
        number[mine] = np.arange(np.count_nonzero(mine))
    chosen = (number % HELD_OUT == HELD_OUT - 1) == (split == "test")
    levels = np.rint(rows[chosen, :PIXELS] * (255 / WHITE)).astype(np.uint8).reshape(-1, 8, 8)
    margin = (SIDE - INNER) // 2
    images = np.zeros((len(levels), 1, SIDE, SIDE), np.uint8)
    for image, small in zip(images, levels, strict=True):
        large = Image.fromarray(small).resize((INNER, INNER), Image.Resampling.BICUBIC)
        image[0, margin:-margin, margin:-margin] = np.asarray(large)
    return images, classes[chosen]


def _rows() -> npt.NDArray[np.float64]:
    """Read the file without importing scikit-learn, which would take a second."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("digit-domains needs the package scikit-learn, which is not installed")
    path = Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            rows = np.loadtxt(file, delimiter=",")
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); reinstall scikit-learn") from None
    if rows.shape != (COUNT, PIXELS + 1):
        raise DataError(f"{path} is not the file of {COUNT:,} digits; reinstall scikit-learn")
    return rows
