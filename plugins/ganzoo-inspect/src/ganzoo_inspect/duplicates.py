"""Which images are the same, and which look the same.

The *mark* of an image is its middle, in 16 x 16 grey pixels. Two images look the same if the pixels of
their marks are correlated by at least ``ALIKE``, whatever their sizes, brightness, contrast and
compression. A hash of a few bits would be shorter, but in even areas its bits are random: it takes
scanned digits for each other, and misses copies of a photo with a plain sky.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.utils.progress import chunks

SIDE = 16
"""Pixels a side of a mark."""

ALIKE = 0.995
"""Correlation of marks from which images look the same."""

FLATTEST = 2.0
"""Standard deviation of a mark, in grey levels, below which there is too little to compare."""

BLOCK, REACH = 512, 8192  # marks compared at a time, with as many others at a time

Marks = npt.NDArray[np.uint8]
"""(N, SIDE * SIDE), for each image."""

Group = list[int]
"""Indices of images that belong together, in order."""


def equal_groups(digests: Marks) -> list[Group]:
    """Return the images whose digests (N, bytes) are the same, where there are two or more."""
    found: dict[bytes, Group] = {}
    for index, digest in enumerate(digests):
        found.setdefault(digest.tobytes(), []).append(index)
    return [group for group in found.values() if len(group) > 1]


def alike_groups(marks: Marks, chosen: npt.NDArray[np.int64]) -> list[Group]:
    """Return the images that look like the first of their group, where there are two or more.

    Only the chosen ones, given by index, are compared. Where many look the same, all belong to the
    group of one of them, and only that is compared with others.
    """
    vectors, kept = _normalized(marks, chosen)
    # Along one direction alike marks are near each other, so that only a window has to be searched.
    direction = np.repeat(np.linspace(-1, 1, SIDE, dtype=np.float32), SIDE)
    places = vectors @ (direction / np.linalg.norm(direction))
    order = np.argsort(places, kind="stable")
    vectors, places, kept = vectors[order], places[order], kept[order]
    width = float(np.sqrt(2 - 2 * ALIKE)) + 1e-5
    leaders: list[int] = []
    leader_of = np.arange(len(kept))
    for rows in chunks(len(kept), BLOCK, "comparing images"):
        earliest = np.searchsorted(places[leaders], places[rows.start] - width) if leaders else 0
        best = np.full(len(rows), -1.0, dtype=np.float32)
        for begin in range(int(earliest), len(leaders), REACH):
            some = np.array(leaders[begin : begin + REACH])
            alike = vectors[rows.start : rows.stop] @ vectors[some].T
            nearest = alike.argmax(axis=1)
            value = alike[np.arange(len(rows)), nearest]
            better = value > best
            best[better] = value[better]
            leader_of[rows.start : rows.stop][better] = some[nearest[better]]
        leader_of[rows.start : rows.stop][best < ALIKE] = -1
        _lead_within(vectors, rows, leader_of)
        leaders += [row for row in rows if leader_of[row] == row]
    groups: dict[int, Group] = {}
    for row, leader in enumerate(leader_of):
        groups.setdefault(int(leader), []).append(int(kept[row]))
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _lead_within(vectors: npt.NDArray[np.float32], rows: range, leader_of: Any) -> None:
    """Give each row that has none yet (-1) a leader among those before it in a block, or itself."""
    part = vectors[rows.start : rows.stop]
    alike = part @ part.T >= ALIKE
    led = leader_of[rows.start : rows.stop]
    for row in np.flatnonzero(led < 0):
        if led[row] < 0:
            followers = np.flatnonzero(alike[row] & (led < 0))
            led[followers] = rows.start + row
            led[row] = rows.start + row


def _normalized(
    marks: Marks, chosen: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return vectors of mean 0 and length 1, without those of even images, and whose they are."""
    vectors = marks[chosen].astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1)
    enough = lengths >= FLATTEST * SIDE
    return vectors[enough] / lengths[enough, None], chosen[enough]
