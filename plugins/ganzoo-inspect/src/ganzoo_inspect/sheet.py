"""A contact sheet: some images of each class, or of all, as they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganzoo.data.arrays import ArrayFile
from ganzoo.data.images import channels_first, plain
from ganzoo.data.listing import opener
from ganzoo.errors import UsageError
from ganzoo.utils.images import save_image, to_image
from ganzoo.visual.grids import labelled_grid
from ganzoo_inspect.survey import Survey

SIDE = 96
"""Pixels a side of a tile."""

COLUMNS, ROWS = 10, 10
MOST_CLASSES = 20
"""Sheets of more classes show images of all classes together."""

PAPER = 235


def save_sheet(survey: Survey, path: Path) -> None:
    """Draw some images, whole, small ones enlarged; a row for each class where there are few.

    Raises:
        ganzoo.errors.UsageError: samples are not images, or the file cannot be written as one.
    """
    if not survey.images:
        raise UsageError(f"{survey.path}: has no images to draw on a contact sheet")
    rows = _chosen(survey)
    tiles = []
    with _opener(survey) as open_image:
        for indices in rows.values():
            some = [_tile(open_image(index)) for index in indices]
            blank = np.full((3, SIDE, SIDE), 255, np.uint8)
            tiles += some + [blank] * (COLUMNS - len(some))
    picture = labelled_grid(np.stack(tiles), list(rows), [""] * COLUMNS)
    save_image(picture, path)


def _chosen(survey: Survey) -> dict[str, list[int]]:
    """Return the same random images each time, by the label of their row."""
    rng = random.Random(0)
    by_class: dict[str, list[int]] = {}
    for index, label in enumerate(survey.label_of):
        by_class.setdefault("" if label is None else label, []).append(index)
    if len(by_class) > 1 and len(by_class) <= MOST_CLASSES:
        return {
            label: sorted(rng.sample(by_class[label], min(COLUMNS, len(by_class[label]))))
            for label in sorted(by_class)
        }
    everything = range(len(survey.names))
    some = sorted(rng.sample(everything, min(COLUMNS * ROWS, len(everything))))
    starts = range(0, len(some), COLUMNS)
    return {" " * row: some[start : start + COLUMNS] for row, start in enumerate(starts)}


def _tile(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return an image as it is, in the middle of a grey square."""
    with image:
        shown = plain(image, "rgb")
    scale = SIDE // max(shown.size)
    if scale:
        size = (shown.width * scale, shown.height * scale)
        shown = shown.resize(size, Image.Resampling.NEAREST)
    else:
        shown.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (SIDE, SIDE), (PAPER, PAPER, PAPER))
    square.paste(shown, ((SIDE - shown.width) // 2, (SIDE - shown.height) // 2))
    return channels_first(square)


@contextmanager
def _opener(survey: Survey) -> Iterator[Callable[[int], Image.Image]]:
    """Return a function that opens a sample by its index."""
    if survey.kind == "folder":
        with opener(survey.path) as open_named:
            yield lambda index: open_named(survey.names[index])
        return
    file = ArrayFile(survey.path)
    samples = {split: file.read(split).samples for split in file.splits}

    def open_sample(index: int) -> Image.Image:
        split, _, place = survey.names[index].removesuffix("]").rpartition("[")
        return to_image(samples[split][int(place)])

    yield open_sample
