"""Images of any kind, decoded to one size and one mode."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ganzoo.data.cache import cached_array
from ganzoo.errors import DataError
from ganzoo.utils.progress import chunks

T = TypeVar("T")

Mode = Literal["rgb", "grey"]
Size = int | tuple[int, int]
"""Height and width in pixels, or one number for both."""

Pixels = npt.NDArray[np.uint8]

CHANNELS: dict[Mode, int] = {"rgb": 3, "grey": 1}

CHUNK = 256  # images decoded between two progress reports, and written at a time

REVISION = 1  # part of each cache key; raise it with every change to what ``fit`` returns


def plain(image: Image.Image, mode: Mode) -> Image.Image:
    """Turn an opened image, which may be changed, into 8-bit RGB or grey in its own size.

    The orientation a camera noted is applied, transparent parts become white, 16-bit greys are
    scaled to 8 bits, and of an animation the first frame is taken.

    Raises:
        ValueError: the image has pixels of unknown range.
    """
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no stated range")
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64).clip(0, 65535)
        image = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert("RGB" if mode == "rgb" else "L")


def channels_first(image: Image.Image) -> Pixels:
    """Return the pixels of an RGB or grey image as (3 or 1, height, width)."""
    pixels = np.asarray(image)
    return pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]


def height_and_width(size: Size) -> tuple[int, int]:
    """Return the height and the width that a size stands for."""
    return (size, size) if isinstance(size, int) else size


def fit(image: Image.Image, size: Size, mode: Mode) -> Pixels:
    """Turn an opened image, best not yet loaded, into pixels (3 or 1, height, width) of one size.

    The image becomes what ``plain`` makes of it. The largest part in its middle that has the shape of
    the result is resized with a Lanczos filter.

    Raises:
        ValueError: the image has pixels of unknown range.
    """
    height, width = height_and_width(size)
    enough = 2 * max(height, width)  # in both directions, since the image may still be turned
    image.draft(None, (enough, enough))  # JPEG alone: decode no more than the filter needs
    image = plain(image, mode)
    kept_width = min(image.width, max(1, round(image.height * width / height)))
    kept_height = min(image.height, max(1, round(image.width * height / width)))
    left, top = (image.width - kept_width) // 2, (image.height - kept_height) // 2
    box = (left, top, left + kept_width, top + kept_height)
    return channels_first(image.resize((width, height), Image.Resampling.LANCZOS, box))


def cached_images(
    name: str,
    names: Sequence[str],
    open_image: Callable[[int], Image.Image],
    *,
    fingerprint: Iterable[object],
    size: Size,
    mode: Mode,
    where: str,
) -> Pixels:
    """Return many images as one array (N, channels, height, width), from the cache where it has them.

    Args:
        name: first part of the name in the cache.
        names: a name for each image, for messages.
        open_image: opens the image of a given index; called from several threads.
        fingerprint: all that the pixels depend on besides size and mode.
        size: size of each image, in pixels.
        mode: ``rgb`` or ``grey``.
        where: where the images come from, for messages.

    Raises:
        DataError: some images cannot be read; the message names the first few.
    """

    def decoded() -> Iterator[Pixels]:
        unreadable: list[str] = []
        for indices in chunks(len(names), CHUNK, f"decoding {where}"):

            def decode(place: int, indices: range = indices) -> Pixels:
                with open_image(indices[place]) as image:
                    return fit(image, size, mode)

            arrays, problems = in_threads(decode, [names[index] for index in indices])
            unreadable += problems
            if not unreadable:
                yield np.stack(arrays)
        if unreadable:
            raise DataError(complaint(unreadable, len(names), where))

    height, width = height_and_width(size)
    key = hashlib.sha256(repr((REVISION, height if height == width else size, mode)).encode())
    for part in fingerprint:
        key.update(repr(part).encode() + b"\n")
    shape = (len(names), CHANNELS[mode], height, width)
    pixels: Pixels = cached_array(f"{name}-{key.hexdigest()[:32]}", shape, np.uint8, decoded)
    return pixels


def in_threads(work: Callable[[int], T], names: Sequence[str]) -> tuple[list[T], list[str]]:
    """Call a function on the place of each name; Pillow works outside the interpreter lock.

    Return the results, and what went wrong at each place that failed; both in order.
    """

    def attempt(place: int) -> tuple[list[T], list[str]]:
        try:
            return [work(place)], []
        except Exception as error:  # decoders raise anything on a damaged file
            return [], [f"{names[place]} ({error or type(error).__name__})"]

    # Odd metadata gives a warning for each image.
    with ThreadPoolExecutor() as pool, warnings.catch_warnings(action="ignore"):
        attempts = list(pool.map(attempt, range(len(names))))
    done = [result for results, _ in attempts for result in results]
    return done, [problem for _, problems in attempts for problem in problems]


def complaint(unreadable: Sequence[str], total: int, where: str) -> str:
    """Return a message about images that cannot be read: how many, and the first of them."""
    first = ", ".join(unreadable[:3]) + (", …" if len(unreadable) > 3 else "")
    how_many = f"{len(unreadable)} of {total} images in {where}"
    return f"{how_many} cannot be read: {first}; fix or remove them"
