"""Generating images of three digits, one in each channel."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.data.cache import cached_array
from ganzoo.data.split import Split
from ganzoo.errors import DataError
from ganzoo.utils.progress import report

CHUNK = 8192
"""Images generated at a time."""


def stack(base: Split, num_classes: int, count: int, seed: int) -> Split:
    """Draw triples of grey images, each image as likely as any other, and stack their channels.

    Args:
        base: grey images (M, 1, H, W) uint8 with labels.
        num_classes: number of classes.
        count: images to generate.
        seed: the seed that triples are drawn with.

    Returns:
        Images (count, 3, H, W), mapped from the cache, with labels ``(a * num_classes + b) *
        num_classes + c`` for classes a, b and c of the three channels.

    Raises:
        DataError: the images have no labels.
    """
    if base.classes is None:
        raise DataError("stacked-mnist needs a base with labels")
    triples = np.random.default_rng(seed).integers(len(base), size=(count, 3))
    source = hashlib.sha256()
    for array in (base.samples, triples):
        source.update(str(array.shape).encode())
        source.update(np.ascontiguousarray(array).data)
    samples = cached_array(
        f"stacked-mnist-{source.hexdigest()[:32]}",
        (count, 3, *base.samples.shape[2:]),
        np.uint8,
        lambda: _chunks(base.samples, triples),
    )
    places = np.array([num_classes**2, num_classes, 1], dtype=np.int64)
    return Split(samples, base.classes[triples] @ places)


def _chunks(images: npt.NDArray[Any], triples: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[Any]]:
    for begin in range(0, len(triples), CHUNK):
        report("stacking digits", begin, len(triples))
        yield images[triples[begin : begin + CHUNK], 0]
    report("stacking digits", len(triples), len(triples))
