"""Euclidean distances between two sets of features, some rows at a time.

They are computed from matrix products, |x|² + |y|² - 2x·y, which is many times faster than from
differences but loses digits if x and y nearly agree. So everything is in float64, about the mean of the
second set, and values below the rounding error of equal rows count as zero: an exact copy is at
distance 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array, Counts

BLOCK = 2**23
"""Distances held at a time: 64 MiB."""


def squared_distances(x: Array, y: Array, block: int = BLOCK) -> Iterator[tuple[slice, Array]]:
    """Yield the squared distances of some rows of x to all rows of y, until all rows of x are done.

    Args:
        x: (N, d).
        y: (M, d).
        block: distances to hold at a time.

    Yields:
        Which rows of x, and their squared distances (rows, M).
    """
    import numpy as np

    center = y.mean(axis=0)
    y = y - center
    y_norms = np.einsum("md,md->m", y, y)
    rounding = (x.shape[1] + 8) * np.finfo(np.float64).eps
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        some = x[part] - center
        norms = np.einsum("nd,nd->n", some, some)[:, None] + y_norms
        squared = some @ y.T
        squared *= -2
        squared += norms
        norms *= rounding
        squared[squared <= norms] = 0
        yield part, squared


def nearest(x: Array, y: Array) -> tuple[Counts, Array]:
    """Return which row of y is nearest to each row of x, (N,), and its distance, (N,)."""
    import numpy as np

    which = np.empty(len(x), dtype=np.int64)
    distances = np.empty(len(x))
    for part, squared in squared_distances(x, y):
        which[part] = squared.argmin(axis=1)
        distances[part] = np.sqrt(squared.min(axis=1))
    return which, distances


def squared_radii(x: Array, k: int) -> Array:
    """Return the squared distance of each row of x to its k-th nearest other row, (N,)."""
    import numpy as np

    radii = np.empty(len(x))
    for part, squared in squared_distances(x, x):
        itself = np.arange(part.start, part.stop)
        squared[itself - part.start, itself] = np.inf
        radii[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return radii
