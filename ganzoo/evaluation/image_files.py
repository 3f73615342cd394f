"""Images of any model in a folder, a zip file or an array, read as they are and never cropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import PIL
from PIL import ExifTags, Image

from ganzoo.components import Images
from ganzoo.data.arrays import CHANNELS as CHANNELS_OF_ARRAYS
from ganzoo.data.arrays import ArrayFile
from ganzoo.data.images import (
    CHANNELS,
    CHUNK,
    Mode,
    Pixels,
    channels_first,
    complaint,
    in_threads,
    plain,
)
from ganzoo.data.listing import list_images, opener
from ganzoo.errors import DataError
from ganzoo.evaluation.samples import samples_hash
from ganzoo.utils.images import to_image
from ganzoo.utils.notes import note
from ganzoo.utils.progress import chunks

_GREY = frozenset(("1", "L", "LA", "La"))
"""Pillow's modes of grey images; those of 16 bits and more begin with I or are F."""

_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
"""Orientations noted by cameras that exchange width and height."""


@dataclass(frozen=True)
class _Files:
    """Images that can be opened by index, with names for messages.

    They are alike if all are known to have the size and the channels of the first.
    """

    path: Path
    names: Sequence[str]
    open: Callable[[int], Image.Image]
    are_alike: bool = False


@dataclass(frozen=True)
class _Header:
    """What is known of an image before it is decoded: (width, height) in pixels, and its kind."""

    size: tuple[int, int]
    is_grey: bool
    is_transparent: bool


@dataclass(eq=False)
class ImageFiles:
    """Images of one size, decoded when they are read; ``open_images`` returns one.

    The orientation noted by a camera is applied, transparent parts become white, 16-bit greys are
    scaled to 8 bits, and the first frame of an animation is taken.

    Attributes:
        sample_shape: (channels, height, width).
        preparation: what is done to them, in words.
    """

    _files: _Files
    sample_shape: tuple[int, int, int]
    preparation: str
    _resizes: bool
    _closing: ExitStack

    labels = None

    def __len__(self) -> int:
        return len(self._files.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._closing.close()  # garbage collection does so, too

    @property
    def path(self) -> Path:
        """Where they are."""
        return self._files.path

    @property
    def name(self) -> str:
        """Where they are, as text."""
        return str(self.path)

    @property
    def space(self) -> Images:
        """What they are."""
        return Images(*self.sample_shape)

    @cached_property
    def sha256(self) -> str:
        """Hash of the decoded pixels; all images are decoded for it."""
        return samples_hash(self, self.name)

    def read(self, indices: range) -> Pixels:
        """Decode some of the images, in the order of their names: (n, C, H, W) uint8.

        Raises:
            DataError: some of them cannot be read; the message names the first.
            IndexError: there are fewer images.
        """
        if indices and (min(indices) < 0 or max(indices) >= len(self)):
            raise IndexError(f"{self.path} has images 0 to {len(self) - 1}, not {indices}")
        pixels = np.empty((len(indices), *self.sample_shape), np.uint8)

        def decode(place: int) -> None:
            with self._files.open(indices[place]) as image:
                pixels[place] = self._prepare(image)

        _, unreadable = in_threads(decode, [self._files.names[index] for index in indices])
        if unreadable:
            where = f"{self.path} (numbers {min(indices)} to {max(indices)})"
            raise DataError(complaint([*unreadable.values()], len(indices), where))
        return pixels

    def _prepare(self, image: Image.Image) -> Pixels:
        channels, height, width = self.sample_shape
        image = plain(image, "grey" if channels == 1 else "rgb")
        if image.size != (width, height):
            # It was changed meanwhile, or is rotated by a note that comes after the pixels.
            if not self._resizes or image.width != image.height:
                raise ValueError(f"it is {_by(image.size)}, unlike its header")
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        return channels_first(image)


def open_images(path: Path, *, size: int | None = None, mode: Mode | None = None) -> ImageFiles:
    """Look through images without decoding any.

    Args:
        path: a folder with its sub-folders, or a zip file, whose images are in the order of their names;
            or an array, ``.npy`` (mapped) or ``.npz`` (read into memory), of uint8 (N, H, W),
            (N, H, W, C) or (N, C, H, W), or of floats in [-1, 1] (N, C, H, W) as ``ganzoo sample``
            writes them, which become ``round((x + 1) * 127.5)``.
        size: height and width to resize square images to, with Pillow's Lanczos filter. None: as
            they are; then all must have one size.
        mode: ``rgb`` or ``grey``. None: grey if all images are stored as grey, else RGB.

    Raises:
        DataError: the path does not exist or holds no images, some cannot be read, they have more than
            one size, they are not square and a size is given, or an array does not hold images.
    """
    with ExitStack() as stack:
        if path.suffix in {".npy", ".npz"} and not path.is_dir():
            files = _from_array(path)
        else:
            files = _from_folder(path, stack)
        headers = _headers(files)
        width, height = _common_size(files, headers, size)
        if mode is None:
            mode = "grey" if all(header.is_grey for header in headers) else "rgb"
        return ImageFiles(
            files,
            (CHANNELS[mode], height, width),
            _preparation(headers, (width, height), mode),
            _resizes=size is not None,
            _closing=stack.pop_all(),
        )


def refuse_unlike(generated: ImageFiles, real: ImageFiles) -> None:
    """Raise ``DataError`` unless images have the size and the number of channels of others."""
    (channels, height, width), (other, *sides) = generated.sample_shape, real.sample_shape
    if [height, width] != sides:
        square = height == width and sides[0] == sides[1]
        remedy = "resize both with --size" if square else "make them of one size first"
        raise DataError(
            f"{generated.path} has images of {width} x {height} pixels, but {real.path} of"
            f" {sides[1]} x {sides[0]} pixels: {remedy}"
        )
    if channels != other:
        kinds = {1: "grey", 3: "colour"}
        raise DataError(
            f"{generated.path} has {kinds[channels]} images, but {real.path} {kinds[other]} ones:"
            " convert both with --mode"
        )


def _from_folder(path: Path, stack: ExitStack) -> _Files:
    found = list_images(path)
    names = [file.name for file in found.files]
    if found.skipped:
        note(f"{path}: {found.skipped_words()}")
    open_named = stack.enter_context(opener(path))
    return _Files(path, names, lambda index: open_named(names[index]))


def _from_array(path: Path) -> _Files:
    array = ArrayFile(path)
    split, *others = array.splits
    if others:
        known = ", ".join(array.splits)
        raise DataError(
            f"{path} holds several splits ({known}); put the one to read into a file of its own"
        )
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

    def open_image(index: int) -> Image.Image:
        return to_image(np.ascontiguousarray(samples[index]))

    return _Files(path, [f"number {index}" for index in range(len(samples))], open_image, True)


def _check_floats(path: Path, samples: npt.NDArray[Any]) -> None:
    if not samples.size:
        raise DataError(f"{path} is empty: its shape is {samples.shape}")
    if samples.shape[1] not in CHANNELS_OF_ARRAYS:
        raise DataError(
            f"{path} is {samples.dtype} {samples.shape}; images of floats must be (N, C, H, W) with"
            " 1 or 3 channels"
        )
    lowest = np.inf
    for indices in chunks(len(samples), CHUNK, f"looking through {path}"):
        part = samples[indices.start : indices.stop]
        within = (part >= -1) & (part <= 1)  # False for NaN
        if not within.all():
            place = int(np.argmin(within))
            index = indices.start + place // int(np.prod(samples.shape[1:]))
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


def _headers(files: _Files) -> list[_Header]:
    """Return the header of each image, or of the first if all are alike."""
    headers: list[_Header] = []
    unreadable: list[str] = []
    count = 1 if files.are_alike else len(files.names)
    for indices in chunks(count, CHUNK, f"looking through {files.path}"):

        def look(place: int, indices: range = indices) -> _Header:
            with files.open(indices[place]) as image:
                return _header(image)

        found, problems = in_threads(look, files.names[indices.start : indices.stop])
        headers += found
        unreadable += problems.values()
    if unreadable:
        raise DataError(complaint(unreadable, count, str(files.path)))
    return headers


def _header(image: Image.Image) -> _Header:
    width, height = image.size
    # Pillow decodes the whole of a PNG file to look for a note that may come after the pixels.
    if image.format != "PNG" or "exif" in image.info:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _ON_ITS_SIDE:
            width, height = height, width
    is_grey = image.mode in _GREY or image.mode.startswith("I") or image.mode == "F"
    return _Header((width, height), is_grey, image.has_transparency_data)


def _common_size(files: _Files, headers: Sequence[_Header], size: int | None) -> tuple[int, int]:
    """Return the (width, height) that all images have, or will have."""
    first = headers[0].size
    for name, header in zip(files.names, headers, strict=False):  # one header may speak for all
        width, height = header.size
        if size is None and header.size != first:
            raise DataError(
                f"{files.path} has images of several sizes ({files.names[0]} is {_by(first)}, {name}"
                f" is {_by(header.size)}); give a size to resize all to"
            )
        if size is not None and width != height:
            raise DataError(
                f"{files.path} has images that are not square ({name} is {_by(header.size)}), and to"
                f" resize them to {size}x{size} would crop or stretch them; leave out the size, or"
                " prepare them yourself"
            )
    return first if size is None else (size, size)


def _preparation(headers: Sequence[_Header], size: tuple[int, int], mode: Mode) -> str:
    """Return what is done to images with these headers, in words."""
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
