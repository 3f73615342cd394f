"""Images of any kind become squares of one mode."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.images import fit


def stored(image: Image.Image, kind: str = "PNG", **options: Any) -> Image.Image:
    """Write an image to a file and open it again, so that it is as a decoder leaves it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return Image.open(file)


def corners(pixels: np.ndarray) -> list[list[int]]:
    return [pixels[:, y, x].tolist() for y in (0, -1) for x in (0, -1)]


RED = Image.new("RGB", (8, 8), (255, 0, 0))


@pytest.mark.parametrize(
    "image",
    [
        RED,
        RED.quantize(4),
        RED.convert("RGBA"),
        stored(RED, "BMP"),
        stored(RED, "TIFF"),
        stored(RED, "PPM"),
        stored(RED, "WEBP", lossless=True),
        stored(RED, "GIF"),
    ],
    ids=["rgb", "palette", "rgba", "bmp", "tiff", "ppm", "webp", "gif"],
)
def test_every_colour_mode_and_format_gives_its_colours(image: Image.Image) -> None:
    pixels = fit(image, 4, "rgb")
    assert (pixels.shape, pixels.dtype) == ((3, 4, 4), np.uint8)
    assert pixels.reshape(3, -1).T.tolist() == [[255, 0, 0]] * 16
    grey = fit(image, 4, "grey")
    assert grey.shape == (1, 4, 4)
    assert set(grey.ravel().tolist()) == {76}


def test_jpeg_in_print_colours_becomes_rgb() -> None:
    pixels = fit(stored(RED.convert("CMYK"), "JPEG", quality=95), 4, "rgb").astype(int)
    assert (pixels[0] > 240).all()
    assert (pixels[1:] < 30).all()


def test_one_bit_images_are_black_and_white() -> None:
    image = Image.new("1", (8, 8), 0)
    image.paste(1, (4, 0, 8, 8))
    assert corners(fit(stored(image), 8, "grey")) == [[0], [255], [0], [255]]


@pytest.mark.parametrize(("deep", "expected"), [(0, 0), (257 * 100, 100), (65535, 255)])
def test_sixteen_bit_greys_are_scaled_not_cut_off(deep: int, expected: int) -> None:
    image = Image.fromarray(np.full((8, 8), deep, np.uint16))
    for opened in (stored(image), stored(image, "TIFF")):
        assert set(fit(opened, 4, "grey").ravel().tolist()) == {expected}
    assert fit(stored(image), 4, "rgb").shape == (3, 4, 4)


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="no stated range"):
        fit(Image.new("F", (8, 8)), 4, "grey")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (4, 0, 8, 8))
    if mode == "P":
        palette = Image.new("P", (8, 8), 0)
        palette.putpalette([0, 0, 0, 0, 0, 0])
        palette.paste(1, (4, 0, 8, 8))
        image = stored(palette, transparency=0)
    else:
        image = image.convert(mode)
    assert corners(fit(image, 8, "grey")) == [[255], [0], [255], [0]]


@pytest.mark.parametrize(("width", "height"), [(16, 8), (8, 16), (17, 8), (8, 8)])
def test_the_middle_square_is_kept(width: int, height: int) -> None:
    image = Image.new("L", (width, height), 0)
    left, top = (width - 8) // 2, (height - 8) // 2
    image.paste(255, (left, top, left + 8, top + 8))
    assert (fit(image, 8, "grey") == 255).all()


@pytest.mark.parametrize(("width", "height"), [(8, 4), (12, 4), (13, 4), (8, 10), (8, 11)])
def test_the_middle_part_of_the_right_shape_is_kept(width: int, height: int) -> None:
    image = Image.new("L", (width, height), 0)
    left, top = (width - 8) // 2, (height - 4) // 2
    image.paste(255, (left, top, left + 8, top + 4))
    pixels = fit(image, (4, 8), "grey")
    assert pixels.shape == (1, 4, 8)
    assert (pixels == 255).all()


def test_one_number_stands_for_a_square() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (13, 21, 3), dtype=np.uint8))
    assert np.array_equal(fit(image.copy(), 6, "rgb"), fit(image.copy(), (6, 6), "rgb"))


def test_large_and_tiny_images_are_resized() -> None:
    assert (fit(stored(Image.new("L", (900, 700), 90), "JPEG"), 16, "grey") == 90).all()
    assert (fit(Image.new("L", (1, 1), 90), 16, "grey") == 90).all()
    for shape in ((1, 1), (1, 50), (50, 1), (400, 300)):
        image = stored(Image.new("L", shape, 90), "JPEG")
        assert (fit(image, (3, 40), "grey") == 90).all()


def test_the_orientation_a_camera_noted_is_applied() -> None:
    image = Image.new("L", (8, 8), 0)
    image.paste(255, (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    turned = fit(stored(image, exif=exif), 8, "grey")
    assert corners(turned) == [[0], [255], [0], [255]]
