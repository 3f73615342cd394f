"""Grids of samples with a label at each row and column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ganzoo.utils.images import TILE, to_image, to_uint8

INK = (60, 60, 60)
GAP = 4
SMALLEST_FONT, LARGEST_FONT = 8, 15


def labelled_grid(
    samples: npt.ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    corner: str = "",
) -> Image.Image:
    """Arrange images in a table with headings.

    Args:
        samples: (len(rows) * len(columns), C, H, W) in [-1, 1] or uint8, row by row.
        rows: a label for each row, drawn at its left.
        columns: a label for each column, drawn above it.
        corner: what the labels are, drawn top left.

    Returns:
        An RGB picture, small images enlarged by a whole number.

    Raises:
        ValueError: the samples are no images, or not as many as the labels need.
    """
    pixels = to_uint8(samples)
    if pixels.ndim != 4 or len(pixels) != len(rows) * len(columns):
        raise ValueError(
            f"expected {len(rows) * len(columns)} images (N, C, H, W), not samples {pixels.shape}"
        )
    scale = max(1, math.ceil(TILE / max(pixels.shape[2:])))
    height, width = pixels.shape[2] * scale, pixels.shape[3] * scale
    font = _font_that_fits(columns, width)
    left = math.ceil(max(font.getlength(label) for label in (*rows, corner))) + 4 * GAP
    top = math.ceil(font.size) + 4 * GAP
    size = (left + len(columns) * (width + GAP) + GAP, top + len(rows) * (height + GAP) + GAP)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    middle = top // 2
    draw.text((left - 2 * GAP, middle), corner, INK, font, anchor="rm")
    for index, label in enumerate(columns):
        x = left + index * (width + GAP) + width / 2
        draw.text((x, middle), label, INK, font, anchor="mm")
    for row, label in enumerate(rows):
        y = top + row * (height + GAP)
        draw.text((left - 2 * GAP, y + height / 2), label, INK, font, anchor="rm")
        for column in range(len(columns)):
            tile = to_image(pixels[row * len(columns) + column])
            tile = tile.resize((width, height), Image.Resampling.NEAREST)
            picture.paste(tile, (left + column * (width + GAP), y))
    return picture


def _font_that_fits(labels: Sequence[str], width: int) -> ImageFont.FreeTypeFont:
    """Return the largest font in which each label is no wider than a column, or the smallest."""
    for size in range(LARGEST_FONT, SMALLEST_FONT, -1):
        font = _font(size)
        if max(font.getlength(label) for label in labels) <= width:
            return font
    return _font(SMALLEST_FONT)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType, which labels need")
    return font
