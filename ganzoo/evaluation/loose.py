"""Images that any model made, from a folder, a zip file or an array: read as they are, never cropped."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
import PIL
from PIL import ExifTags, Image

from ganzoo.data.arrays import CHANNELS as CHANNELS_OF_ARRAYS
from ganzoo.data.arrays import ArrayFile
from ganzoo.data.folder import SUFFIXES, files_of, opener
from ganzoo.data.images import CHANNELS, CHUNK, Mode, Pixels, channels_first, complaint, plain
from ganzoo.errors import DataError
from ganzoo.utils.images import to_image
from ganzoo.utils.progress import report

T = TypeVar("T")

_GREY = frozenset(("1", "L", "LA", "La"))
"""Pillow's modes of grey images, beside those of 16 bits and more, which begin with I or are F."""

_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
"""Orientations noted by cameras that exchange width and height."""


@dataclass(frozen=True)
class _Source:
    """Where images come from: a name for each, for messages, and what opens the image of an index."""

    names: Sequence[str]
    open: Callable[[int], Image.Image]
    are_alike: bool = False
    """Whether all have the size and the channels of the first."""


@dataclass(frozen=True)
class _Header:
    """What is known of an image before it is decoded: (width, height) in pixels, and its kind."""

    size: tuple[int, int]
    is_grey: bool
    is_transparent: bool


class LooseImages:
    """Images of one size, decoded when they are asked for. Get one from ``open_images``.

    The orientation a camera noted is applied, transparent parts become white, 16-bit greys are
    scaled to 8 bits, and of an animation the first frame is taken.

    Attributes:
        path: where they lie.
        sample_shape: (channels, height, width).
        preparation: what was done to them, in words, for a report's protocol.
    """

    def __init__(
        self,
        path: Path,
        source: _Source,
        *,
        sample_shape: tuple[int, int, int],
        resizes: bool,
        preparation: str,
        closing: ExitStack,
    ) -> None:
        self.path = path
        self.sample_shape = sample_shape
        self.preparation = preparation
        self._source = source
        self._resizes = resizes
        self._mode: Mode = "grey" if sample_shape[0] == 1 else "rgb"
        self._closing = closing
        self._sha256: str | None = None

    def __len__(self) -> int:
        return len(self._source.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; nothing can be read afterwards. Happens by itself at the end of life."""
        self._closing.close()

    def read(self, indices: range) -> Pixels:
        """Decode some of the images, in threads.

        Args:
            indices: which, in the order of their names; as many as shall be in memory at a time.

        Returns:
            Pixels (n, channels, height, width) uint8.

        Raises:
            DataError: some of them cannot be read; the message names the first.
            IndexError: there are not as many.
        """
        if indices and (min(indices) < 0 or max(indices) >= len(self)):
            raise IndexError(f"{self.path} has images 0 to {len(self) - 1}, not {indices}")
        pixels = np.empty((len(indices), *self.sample_shape), np.uint8)

        def decode(place: int) -> None:
            with self._source.open(indices[place]) as image:
                pixels[place] = self._prepare(image)

        _, unreadable = _in_threads(decode, [self._source.names[index] for index in indices])
        if unreadable:
            where = f"{self.path} (numbers {min(indices)} to {max(indices)})"
            raise DataError(complaint(unreadable, len(indices), where))
        return pixels

    def sha256(self) -> str:
        """Return a hash of the decoded pixels: of ``"uint8 (n, C, H, W)"`` and all bytes in order.

        It does not depend on how images are packed, compressed or named, save for their order. All
        are decoded for it, the first time it is asked for.

        Raises:
            DataError: some images cannot be read.
        """
        if self._sha256 is None:
            digest = hashlib.sha256(f"uint8 {(len(self), *self.sample_shape)}".encode())
            for chunk in _chunks(len(self), f"hashing {self.path}"):
                digest.update(self.read(chunk).data)
            self._sha256 = digest.hexdigest()
        return self._sha256

    def _prepare(self, image: Image.Image) -> Pixels:
        """Return pixels of ``sample_shape``."""
        _, height, width = self.sample_shape
        image = plain(image, self._mode)
        if image.size != (width, height):
            # Changed since it was looked at, or turned by a note that came after the pixels.
            if not self._resizes or image.width != image.height:
                raise ValueError(f"it is {_by(image.size)}, which its header did not say")
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        return channels_first(image)


def open_images(path: Path, *, size: int | None = None, mode: Mode | None = None) -> LooseImages:
    """Look through images, decoding none yet.

    Args:
        path: a folder, looked through with its sub-folders, or a zip file; or an array, ``.npy`` or
            ``.npz``, of uint8 (N, H, W), (N, H, W, C) or (N, C, H, W), or of floats in [-1, 1]
            (N, C, H, W) as ``ganzoo sample`` writes them, which become ``round((x + 1) * 127.5)``.
            An ``.npz`` file is read into memory. Images of folders are in the order of their names.
        size: height and width to resize square images to, with Pillow's Lanczos filter. None: as
            they are; then all must have one size.
        mode: ``rgb`` or ``grey``. None: grey where all images are stored as grey, else RGB.

    Raises:
        DataError: there is no such path, it holds no images, some cannot be read, they have more
            than one size, they are not square and a size is asked for, or an array cannot be images.
    """
    with ExitStack() as stack:
        if path.suffix in {".npy", ".npz"} and not path.is_dir():
            source = _array_source(path)
        else:
            source = _file_source(path, stack)
        headers = _headers(path, source)
        width, height = _common_size(path, source, headers, size)
        if mode is None:
            mode = "grey" if all(header.is_grey for header in headers) else "rgb"
        return LooseImages(
            path,
            source,
            sample_shape=(CHANNELS[mode], height, width),
            resizes=size is not None,
            preparation=_preparation(headers, (width, height), mode),
            closing=stack.pop_all(),
        )


def _file_source(path: Path, stack: ExitStack) -> _Source:
    names = sorted(file.name for file in files_of(path))
    if not names:
        raise DataError(f"{path} holds no images (looked for {', '.join(sorted(SUFFIXES))})")
    open_named = stack.enter_context(opener(path))
    return _Source(names, lambda index: open_named(names[index]))


def _array_source(path: Path) -> _Source:
    array = ArrayFile(path)
    if len(array.splits) > 1:
        raise DataError(
            f"{path} holds several splits ({', '.join(array.splits)}); put the one that is meant"
            " into a file of its own"
        )
    split = array.splits[0]
    shape, dtype = array.header(split)
    if dtype.kind == "f" and len(shape) == 2:
        raise DataError(f"{path} holds points {shape}, not images")
    if len(shape) == 4 and (shape[1] in CHANNELS_OF_ARRAYS) == (shape[3] in CHANNELS_OF_ARRAYS):
        raise DataError(
            f"{path} is {shape}; of its second axis and its last, one must be channels, 1 or 3"
        )
    if dtype.kind == "f" and len(shape) == 4:
        samples = array.stored(split)
        _check_floats(path, samples)
    else:
        samples = array.read(split).samples
    return _Source(
        [f"number {index}" for index in range(len(samples))],
        lambda index: to_image(np.ascontiguousarray(samples[index])),
        are_alike=True,
    )


def _check_floats(path: Path, samples: npt.NDArray[Any]) -> None:
    """Refuse floats that are not certainly images from -1 to 1."""
    if not samples.size:
        raise DataError(f"{path} is empty: its shape is {samples.shape}")
    if samples.shape[1] not in CHANNELS_OF_ARRAYS:
        raise DataError(
            f"{path} is {samples.dtype} {samples.shape}; images of floats must be (N, C, H, W) with"
            " 1 or 3 channels"
        )
    lowest = np.inf
    for chunk in _chunks(len(samples), f"looking through {path}"):
        part = samples[chunk.start : chunk.stop]
        within = (part >= -1) & (part <= 1)  # not-a-number is in no range
        if not within.all():
            place = int(np.argmin(within))
            index = chunk.start + place // int(np.prod(samples.shape[1:]))
            raise DataError(
                f"{path} has {part.flat[place]} in image {index}; images of floats must lie in"
                " [-1, 1], so scale them, or store them as uint8"
            )
        lowest = min(lowest, float(part.min()))
    if lowest >= 0:
        raise DataError(
            f"{path} has no value below 0, so its images seem to lie in [0, 1]; scale them to"
            " [-1, 1], or store them as uint8"
        )


def _headers(path: Path, source: _Source) -> list[_Header]:
    """Return what the files say of the images, or of the first where all are alike."""
    headers: list[_Header] = []
    unreadable: list[str] = []
    count = 1 if source.are_alike else len(source.names)
    for chunk in _chunks(count, f"looking through {path}"):

        def look(place: int, chunk: range = chunk) -> _Header:
            with source.open(chunk[place]) as image:
                return _header(image)

        found, problems = _in_threads(look, [source.names[index] for index in chunk])
        headers += found
        unreadable += problems
    if unreadable:
        raise DataError(complaint(unreadable, count, str(path)))
    return headers


def _header(image: Image.Image) -> _Header:
    width, height = image.size
    # Of a PNG file, Pillow decodes all to look for a note that may come after the pixels.
    if image.format != "PNG" or "exif" in image.info:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _ON_ITS_SIDE:
            width, height = height, width
    is_grey = image.mode in _GREY or image.mode.startswith("I") or image.mode == "F"
    return _Header((width, height), is_grey, image.has_transparency_data)


def _common_size(
    path: Path, source: _Source, headers: Sequence[_Header], size: int | None
) -> tuple[int, int]:
    """Return the (width, height) that all images have, or will have."""
    if size is None:
        first = headers[0].size
        for name, header in zip(source.names, headers, strict=False):  # one header speaks for all
            if header.size != first:
                raise DataError(
                    f"{path} has images of several sizes ({source.names[0]} is {_by(first)}, {name}"
                    f" is {_by(header.size)}); give a size to resize all to"
                )
        return first
    for name, header in zip(source.names, headers, strict=False):  # as above
        width, height = header.size
        if width != height:
            raise DataError(
                f"{path} has images that are not square ({name} is {_by(header.size)}), and to resize"
                f" them to {size}x{size} would crop or stretch them; leave out the size, or prepare"
                " them yourself"
            )
    return size, size


def _preparation(headers: Sequence[_Header], size: tuple[int, int], mode: Mode) -> str:
    """Say what is done to images with these headers."""
    parts = ["RGB" if mode == "rgb" else "grey"]
    if mode == "grey" and not all(header.is_grey for header in headers):
        parts.append("colours by their luma (Pillow)")
    if any(header.is_transparent for header in headers):
        parts.append("transparent parts over white")
    others = {header.size for header in headers} - {size}
    if others:
        came = _by(others.pop()) if len(others) == 1 else "several sizes"
        parts.append(f"{came} resized to {_by(size)} with Lanczos (Pillow {PIL.__version__})")
    else:
        parts.append(f"{_by(size)} as stored")
    return ", ".join(parts)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _chunks(count: int, what: str) -> Iterator[range]:
    """Yield indices in chunks, and report how far they have come."""
    for begin in range(0, count, CHUNK):
        report(what, begin, count)
        yield range(begin, min(begin + CHUNK, count))
    report(what, count, count)


def _in_threads(work: Callable[[int], T], names: Sequence[str]) -> tuple[list[T], list[str]]:
    """Work on the place of each name.

    Returns:
        The results, and what to say of each place that failed; both in order.
    """
    problems: dict[int, str] = {}

    def attempt(place: int) -> T | None:
        try:
            return work(place)
        except Exception as error:  # a damaged file makes decoders raise what they will
            problems[place] = f"{names[place]} ({error or type(error).__name__})"
            return None

    with ThreadPoolExecutor() as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, one for each image
        results = list(pool.map(attempt, range(len(names))))
    done = [result for place, result in enumerate(results) if place not in problems]
    return cast("list[T]", done), [problems[place] for place in sorted(problems)]
