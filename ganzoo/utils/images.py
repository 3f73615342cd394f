"""Pictures of samples, drawn with numpy and Pillow alone, and writing pictures to files."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ganzoo.errors import UsageError
from ganzoo.utils.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pixels = npt.NDArray[np.uint8]

WHITE = 255
TILE = 48
"""Images with fewer pixels per side are enlarged by a whole number, so that grids are legible."""

POINTS_SIDE = 480
POINTS_COLOR = (31, 119, 180)
LINE_COLORS = (POINTS_COLOR, (214, 39, 40), (44, 160, 44), (148, 103, 189))


def to_uint8(samples: npt.ArrayLike) -> Pixels:
    """Quantize images of any shape as ganzoo does everywhere: ``round((x + 1) * 127.5)``, 0 to 255.

    Values outside [-1, 1] are clamped, NaN counts as 0; uint8 is returned unchanged, and of uint16 the
    upper 8 bits.
    """
    array = np.asarray(samples)
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    clamped = np.clip(np.nan_to_num(array.astype(np.float32)), -1, 1)
    pixels: Pixels = np.rint((clamped + 1) * 127.5).astype(np.uint8)
    return pixels


def to_image(sample: npt.ArrayLike) -> Image.Image:
    """Return one image (C, H, W), in [-1, 1] or uint8, as a picture of the same size.

    One channel is grey, three are RGB, four are RGBA; any other number is averaged to grey.
    """
    pixels = to_uint8(sample)
    if len(pixels) in {3, 4}:
        return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return Image.fromarray(np.rint(pixels.mean(axis=0)).astype(np.uint8))


def image_grid(
    samples: npt.ArrayLike,
    *,
    columns: int | None = None,
    padding: int = 2,
    scale: int | None = None,
    min_side: int = 0,
) -> Image.Image:
    """Arrange images in rows, from the top left, on a white background.

    Args:
        samples: (N, C, H, W) in [-1, 1], or uint8.
        columns: images per row; None for a grid about as wide as it is high.
        padding: pixels between images and around them, before scaling.
        scale: whole number by which each pixel is enlarged; None for the smallest that shows images at
            48 pixels or more and satisfies ``min_side``.
        min_side: smallest width and height of the grid in pixels, if ``scale`` is None.

    Raises:
        ValueError: there are no images, or the samples are not images.
    """
    pixels = to_uint8(samples)
    if pixels.ndim != 4 or not len(pixels):
        raise ValueError(f"expected one or more images (N, C, H, W), not samples {pixels.shape}")
    count, _, height, width = pixels.shape
    columns = min(count, columns or math.ceil(math.sqrt(count * height / width)))
    rows = math.ceil(count / columns)
    size = (columns * (width + padding) + padding, rows * (height + padding) + padding)
    scale = scale or max(1, math.ceil(TILE / max(height, width)), math.ceil(min_side / min(size)))
    images = [to_image(each) for each in pixels]
    mode = images[0].mode
    grid = Image.new(mode, size, (WHITE,) * len(mode))
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        at = (padding + column * (width + padding), padding + row * (height + padding))
        grid.paste(image, at)
    return grid.resize((grid.width * scale, grid.height * scale), Image.Resampling.NEAREST)


def point_plot(points: npt.ArrayLike, *, side: int = POINTS_SIDE) -> Image.Image:
    """Draw points as translucent dots in a square frame, at the same scale in both directions.

    The frame shows [-e, e] in both directions, with e written in its corner: 1.1 times the largest
    magnitude, ignoring the outermost 1% of the points, and at least 1.1.

    Args:
        points: (N, D); the first two coordinates are drawn where they are finite. Points with one
            coordinate are spread vertically.
        side: width and height of the picture in pixels.

    Raises:
        ValueError: there are no points.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"expected one or more points (N, D), not samples {array.shape}")
    if array.shape[1] == 1:
        heights = np.linspace(-0.5, 0.5, len(array))[:, None]
        array = np.concatenate([array, heights], axis=1)
    array = array[np.isfinite(array).all(axis=1), :2]
    oversampled = 4  # Pillow draws without smoothing: draw large, then shrink
    largest = np.quantile(np.abs(array).max(axis=1), 0.99) if len(array) else 0.0
    extent = 1.1 * max(1.0, largest)
    canvas_side = side * oversampled
    radius = oversampled * (4.0 if len(array) <= 256 else 2.5)
    margin = 12 * oversampled
    inner = canvas_side - 2 * margin
    positions = margin + (array * (1, -1) / extent + 1) / 2 * inner
    coverage = np.zeros((canvas_side, canvas_side), dtype=np.uint16)
    reach = np.arange(-round(radius), round(radius) + 1)
    stamp = (reach[:, None] ** 2 + reach**2 <= round(radius) ** 2).astype(np.uint16)
    for x, y in np.rint(positions).astype(int) - len(stamp) // 2:
        if 0 <= x <= canvas_side - len(stamp) and 0 <= y <= canvas_side - len(stamp):
            coverage[y : y + len(stamp), x : x + len(stamp)] += stamp
    opacity = 1 - 0.55 ** coverage.astype(np.float32)
    mask = Image.fromarray(np.rint(opacity * 255).astype(np.uint8))
    canvas = Image.new("RGB", (canvas_side, canvas_side), "white")
    draw = ImageDraw.Draw(canvas)
    for axis in (margin, canvas_side // 2, canvas_side - margin):
        draw.line([(axis, margin), (axis, canvas_side - margin)], (225, 225, 225), oversampled)
        draw.line([(margin, axis), (canvas_side - margin, axis)], (225, 225, 225), oversampled)
    canvas.paste(POINTS_COLOR, mask=mask)
    font = ImageFont.load_default(12 * oversampled)
    corner = (canvas_side - 1.5 * margin, canvas_side - 1.5 * margin)
    draw.text(corner, f"±{extent:.2g}", (120, 120, 120), font, anchor="rs")
    return canvas.resize((side, side), Image.Resampling.LANCZOS)


def save_image(image: Image.Image, path: Path, **options: Any) -> None:
    """Write a picture, or the first frame of an animation, atomically in the format of the suffix.

    ``options`` are those of Pillow's ``save`` for the format.

    Raises:
        ganzoo.errors.UsageError: the suffix is not that of an image format that can be written, or the
            format cannot hold the picture.
    """
    picture_format = Image.registered_extensions().get(path.suffix.lower())
    if picture_format not in Image.SAVE:
        example = f"{path.stem or 'samples'}.png"
        raise UsageError(f"{path}: the suffix must be that of an image format, such as {example}")
    buffer = io.BytesIO()
    # Fast compression: grids are drawn in the middle of training, and are small either way.
    try:
        image.save(buffer, format=picture_format, **{"compress_level": 1, **options})
    except (OSError, ValueError) as error:  # such as transparency in a JPEG file
        raise UsageError(f"{path}: {error}; write a .png file instead") from None
    write_atomically(path, buffer.getvalue(), durable=False)


def save_figure(figure: Figure, path: Path, *, dpi: int = 150) -> None:
    """Write a matplotlib figure atomically, in the format of the path's suffix.

    Raises:
        ganzoo.errors.UsageError: matplotlib cannot write that format.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in figure.canvas.get_supported_filetypes():
        raise UsageError(
            f"{path}: the suffix must be .png, .svg, .pdf or another that matplotlib writes"
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=dpi)
    write_atomically(path, buffer.getvalue(), durable=False)


def sequence_grid(samples: npt.ArrayLike, *, columns: int | None = None) -> Image.Image:
    """Draw sequences (N, C, L) as lines, one a channel, in a grid; all are to the same scale.

    Values that are not finite are drawn as the lowest that is. ``columns`` is the number of sequences
    in a row; None for a grid about as wide as high.

    Raises:
        ValueError: there are no sequences.
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 3 or not array.size:
        raise ValueError(f"expected one or more sequences (N, C, L), not samples {array.shape}")
    finite = array[np.isfinite(array)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    heights = np.where(np.isfinite(array), array - low, 0) / ((high - low) or 1)
    width, height = 144, 72
    oversampled = 3  # Pillow draws without smoothing: draw large, then shrink
    across = np.linspace(0.03, 0.97, max(2, array.shape[2])) * width * oversampled
    down = (0.95 - 0.9 * heights) * height * oversampled
    tiles = []
    for sequence in down:
        tile = Image.new("RGB", (width * oversampled, height * oversampled), (244, 244, 244))
        draw = ImageDraw.Draw(tile)
        for channel, line in enumerate(np.broadcast_to(sequence, (len(sequence), len(across)))):
            points = np.stack([across, line], axis=1).ravel().tolist()
            draw.line(points, LINE_COLORS[channel % len(LINE_COLORS)], oversampled)
        shrunk = tile.resize((width, height), Image.Resampling.LANCZOS)
        tiles.append(np.asarray(shrunk).transpose(2, 0, 1))
    return image_grid(np.stack(tiles), columns=columns, scale=1)
