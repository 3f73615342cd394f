"""Images of any kind become squares of one mode."""

from __future__ import annotations

import io
from pathlib import Path
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


def test_sixteen_bits_are_kept_where_they_are_asked_for() -> None:
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1021
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(fit(stored(Image.fromarray(deep), kind), 8, "grey", 16)[0], deep)
    pixels = fit(stored(RED), 8, "rgb", 16)
    assert (pixels.dtype, pixels[:, 0, 0].tolist()) == (np.uint16, [65535, 0, 0])


def png_16(pixels: np.ndarray, **chunks: bytes) -> Image.Image:
    """Write 16-bit colours, which Pillow cannot."""
    import struct
    import zlib

    kinds = {1: 0, 2: 4, 3: 2, 4: 6}
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, kinds[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    content = b"\x89PNG\r\n\x1a\n"
    parts = {"IHDR": header, **chunks, "IDAT": zlib.compress(rows), "IEND": b""}
    for name, data in parts.items():
        body = name.encode() + data
        content += struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return Image.open(io.BytesIO(content))


def test_sixteen_bit_colours_are_refused_rather_than_cut_off() -> None:
    deep = np.full((8, 8, 3), 65535, np.uint16)
    with pytest.raises(ValueError, match="reads 16-bit colours as 8 bits; set 'bits' to 8, or"):
        fit(png_16(deep), 8, "rgb", 16)
    assert (fit(png_16(deep), 8, "rgb") == 255).all()


def test_transparent_sixteen_bit_greys_become_the_background() -> None:
    deep = Image.fromarray(np.full((8, 8), 7, np.uint16))
    assert (fit(stored(deep, transparency=7), 8, "grey") == 255).all()
    assert (fit(stored(deep, transparency=8), 8, "grey") == 0).all()
    opaque = fit(stored(deep, transparency=7), 8, "rgba")
    assert (opaque[3] == 0).all()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_numbers_without_a_range_are_refused_and_read_with_one(dtype: Any) -> None:
    array = np.linspace(0, 200, 64).reshape(8, 8).astype(dtype)

    def opened() -> Image.Image:
        return stored(Image.fromarray(array), "TIFF")

    with pytest.raises(ValueError, match=r"no stated range; set 'range' to it, such as"):
        fit(opened(), 8, "grey")
    found = fit(opened(), 8, "grey", span=(0, 200))[0]
    assert np.abs(found - array / 200 * 255).max() <= 0.51
    deep = fit(opened(), 8, "grey", 16, span=(0, 200))[0]
    assert np.abs(deep - array / 200 * 65535).max() <= 0.51
    with pytest.raises(ValueError, match=r"outside the range \[0, 100\]"):
        fit(opened(), 8, "grey", span=(0, 100))


def test_a_portable_float_map_has_no_stated_range(tmp_path: Path) -> None:
    (tmp_path / "a.pfm").write_bytes(b"Pf\n2 2\n-1.0\n" + np.ones(4, "<f4").tobytes())
    with (
        Image.open(tmp_path / "a.pfm") as image,
        pytest.raises(ValueError, match="floating-point pixels have no stated range"),
    ):
        fit(image, 2, "grey")


def test_not_a_number_is_outside_every_range() -> None:
    array = np.full((8, 8), np.nan, np.float32)
    with pytest.raises(ValueError, match="outside the range"):
        fit(stored(Image.fromarray(array), "TIFF"), 8, "grey", span=(0, 1))


def test_opacity_is_kept_or_laid_over_a_colour() -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (4, 0, 8, 8))
    kept = fit(stored(image), 8, "rgba")
    assert kept[3, 0].tolist() == [0] * 4 + [255] * 4
    assert fit(stored(RED), 4, "rgba")[:, 0, 0].tolist() == [255, 0, 0, 255]
    black = fit(stored(image), 8, "rgb", 8, "black")
    assert corners(black) == [[0, 0, 0], [0, 0, 255]] * 2
    deep = fit(stored(image), 8, "rgb", 16, "#00ff00")
    assert corners(deep) == [[0, 65535, 0], [0, 0, 65535]] * 2


def test_the_orientation_is_applied_at_sixteen_bits() -> None:
    image = Image.fromarray(np.repeat(np.array([[65535], [0]], np.uint16), 4, 0).repeat(8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert corners(fit(stored(image, exif=exif), 8, "grey", 16)) == [[0], [65535]] * 2


def test_lab_and_hsv_are_converted() -> None:
    for mode in ("LAB", "HSV", "YCbCr"):
        white = Image.new("RGB", (8, 8), (255, 255, 255))
        lab = Image.new("LAB", (8, 8), (255, 128, 128))
        image = lab if mode == "LAB" else white.convert(mode)
        for target in ("rgb", "grey"):
            assert (fit(image.copy(), 4, target) >= 250).all()  # type: ignore[arg-type] # a mode
