"""Grids of samples with labelled rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ganzoo.components import SampleSpace
from ganzoo.utils.images import TILE, to_image, to_uint8

INK = (60, 60, 60)
GAP = 4
SMALLEST_FONT, LARGEST_FONT = 8, 15
MOST_HEADINGS = 20
"""Grids of more classes than this have no headings."""


def labelled_grid(
    samples: npt.ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    corner: str = "",
) -> Image.Image:
    """Arrange images in a grid with headings: an RGB picture, small images enlarged by a whole number.

    Args:
        samples: (N, C, H, W) in [-1, 1] or uint8, row by row; the last row may be incomplete.
        rows: a label for each row, drawn to its left; may be empty strings.
        columns: a label for each column, drawn above it.
        corner: heading of the row labels, drawn top left.

    Raises:
        ValueError: the samples are not images, or their number does not fit the labels.
    """
    pixels = to_uint8(samples)
    needed = len(rows) * len(columns)
    if pixels.ndim != 4 or not needed - len(columns) < len(pixels) <= needed:
        raise ValueError(f"expected {needed} images (N, C, H, W), not samples {pixels.shape}")
    scale = max(1, math.ceil(TILE / max(pixels.shape[2:])))
    height, width = pixels.shape[2] * scale, pixels.shape[3] * scale
    font = _font_that_fits(columns, width)
    longest = math.ceil(max(font.getlength(label) for label in (*rows, corner)))
    left = longest + 4 * GAP if longest else GAP
    top = math.ceil(font.size) + 4 * GAP if any((*columns, corner)) else GAP
    size = (left + len(columns) * (width + GAP) + GAP, top + len(rows) * (height + GAP) + GAP)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    middle = top // 2
    draw.text((left - 2 * GAP, middle), corner, INK, font, anchor="rm")
    for index, label in enumerate(columns):
        x = left + index * (width + GAP) + width / 2
        draw.text((x, middle), _shortened(label, font, width), INK, font, anchor="mm")
    for row, label in enumerate(rows):
        y = top + row * (height + GAP) + height / 2
        draw.text((left - 2 * GAP, y), label, INK, font, anchor="rm")
    for index, image in enumerate(pixels):
        row, column = divmod(index, len(columns))
        tile = to_image(image).resize((width, height), Image.Resampling.NEAREST)
        picture.paste(tile, (left + column * (width + GAP), top + row * (height + GAP)))
    return picture


def class_grid(samples: npt.ArrayLike, names: Sequence[str]) -> Image.Image:
    """Arrange images (N, C, H, W) of classes in turn: a column for each class, named above it.

    Columns repeat all classes if the grid would otherwise be much higher than wide.
    """
    count = len(to_uint8(samples))
    columns = _columns(count, names)[:count]
    return labelled_grid(samples, [""] * math.ceil(count / len(columns)), columns)


def whole_rows(count: int, classes: Sequence[str]) -> int:
    """Return the largest number of images up to ``count`` of which a grid of classes has whole rows."""
    if not 1 < len(classes) <= MOST_HEADINGS or count < len(classes):
        return count
    return count - count % len(_columns(count, classes))


def _columns(count: int, names: Sequence[str]) -> list[str]:
    return list(names) * max(1, round(math.sqrt(count) / len(names)))


def sample_picture(
    space: SampleSpace, samples: npt.ArrayLike, classes: Sequence[str] = ()
) -> Image.Image:
    """Draw samples (N, ...), as stored or as networks see them, in the way that suits their space.

    Images of classes that take turns, named in order, get a column for each class.
    """
    if space.kind == "images" and 1 < len(classes) <= MOST_HEADINGS:
        return class_grid(samples, classes)
    return space.preview(samples)


def _font_that_fits(labels: Sequence[str], width: int) -> ImageFont.FreeTypeFont:
    """Return the largest font in which every label fits its column, or the smallest font."""
    for size in range(LARGEST_FONT, SMALLEST_FONT, -1):
        font = _font(size)
        if max(font.getlength(label) for label in labels) <= width:
            return font
    return _font(SMALLEST_FONT)


def _shortened(label: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return a label, cut off with an ellipsis if it does not fit; whole if nothing of it fits."""
    shorter = [label, *(f"{label[:kept]}…" for kept in range(len(label) - 1, 0, -1))]
    return next((each for each in shorter if font.getlength(each) <= width), label)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType, which labels need")
    return font
