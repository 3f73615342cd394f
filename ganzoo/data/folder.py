"""Images in a folder or in a zip file: which there are, and what they hold."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ganzoo.data.images import Mode, cached_images
from ganzoo.data.store import ImageStore
from ganzoo.errors import DataError

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""Ends of file names that mark an image; other files are passed over."""

SPLITS = frozenset(("train", "val", "valid", "validation", "test"))
"""Names of top-level folders that are splits and not classes."""


@dataclass(frozen=True)
class ImageFile:
    """One image.

    Attributes:
        name: where it lies, from the top of the folder or zip file.
        size: number of its bytes.
        stamp: changes with its content: the time it was changed, or in a zip file its checksum.
        label: name of its class, or None.
    """

    name: str
    size: int
    stamp: int
    label: str | None = None


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder or a zip file.

    Attributes:
        path: the folder, or the zip file.
        splits: the images of each split, in the order of their names.
        class_names: names of the classes in order, or None where images have no labels.
    """

    path: Path
    splits: dict[str, tuple[ImageFile, ...]]
    class_names: tuple[str, ...] | None

    def read(self, split: str, size: int, mode: Mode) -> ImageStore:
        """Decode one split, or map it from the cache.

        Args:
            split: one of ``splits``.
            size: side of each image, in pixels.
            mode: ``rgb`` or ``grey``.

        Raises:
            DataError: some images cannot be read, or there is no such split.
        """
        if split not in self.splits:
            raise DataError(
                f"{self.path} has no split {split!r} (there is: {', '.join(self.splits)})"
            )
        files = self.splits[split]
        with opener(self.path) as open_named:
            samples = cached_images(
                "folder",
                [file.name for file in files],
                lambda index: open_named(files[index].name),
                fingerprint=[
                    self.path.resolve(),
                    *((file.name, file.size, file.stamp) for file in files),
                ],
                size=size,
                mode=mode,
                where=str(self.path),
            )
        if self.class_names is None:
            return ImageStore(samples)
        number = {name: index for index, name in enumerate(self.class_names)}
        labels = [number[file.label] for file in files if file.label is not None]
        return ImageStore(samples, np.array(labels, dtype=np.int64))


def find_images(path: Path) -> ImageFolder:
    """List the images of a folder or a zip file, without reading them.

    A single folder that everything lies in is looked through. Where all images lie in folders named
    train, val, valid, validation or test, those are the splits; otherwise all are of split train.
    Where the images of a split lie in sub-folders, the names of these are the classes.

    Raises:
        DataError: there is no such path, it holds no images, or images lie both in and beside
            sub-folders.
    """
    files = sorted(files_of(path), key=lambda file: file.name)
    if not files:
        raise DataError(f"{path} holds no images (looked for {', '.join(sorted(SUFFIXES))})")
    parts = _unwrapped([PurePosixPath(file.name).parts for file in files])
    if all(len(part) > 1 and part[0] in SPLITS for part in parts):
        names = [part[0] for part in parts]
        parts = [part[1:] for part in parts]
    else:
        names = ["train"] * len(parts)
    labels = [part[0] if len(part) > 1 else None for part in parts]
    classes = {label for label in labels if label is not None}
    if classes and None in labels:
        inside = next(file.name for file, label in zip(files, labels, strict=True) if label)
        beside = files[labels.index(None)].name
        raise DataError(
            f"{path} has images both in sub-folders ({inside}) and beside them ({beside});"
            " put each into the folder of its class, or all into one folder"
        )
    splits: dict[str, list[ImageFile]] = {}
    for file, name, label in zip(files, names, labels, strict=True):
        splits.setdefault(name, []).append(replace(file, label=label))
    return ImageFolder(
        path,
        {name: tuple(members) for name, members in splits.items()},
        tuple(sorted(classes)) or None,
    )


def _unwrapped(parts: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave out a single folder that everything lies in, unless it is a split."""
    tops = {part[0] for part in parts}
    if len(tops) > 1 or tops <= SPLITS or any(len(part) == 1 for part in parts):
        return parts
    return _unwrapped([part[1:] for part in parts])


def files_of(path: Path) -> Iterator[ImageFile]:
    """Yield the images of a folder or a zip file, in no order.

    Hidden files and what macOS adds to archives are passed over.

    Raises:
        DataError: there is no such path, or it cannot be read.
    """
    try:
        if path.is_dir():
            yield from files_of_folder(path)
        elif path.is_file():
            yield from _files_of_zip(path)
        else:
            raise DataError(f"{path} does not exist")
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror}") from None


def files_of_folder(path: Path) -> Iterator[ImageFile]:
    """Yield the images of a folder and its sub-folders, in no order.

    Raises:
        OSError: a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    for folder, subfolders, names in os.walk(path, onerror=refuse, followlinks=True):
        subfolders[:] = [name for name in subfolders if not _is_hidden(name)]
        for name in names:
            file = Path(folder, name)
            if file.suffix.lower() in SUFFIXES and not _is_hidden(name):
                status = file.stat()
                relative = file.relative_to(path).as_posix()
                yield ImageFile(relative, status.st_size, status.st_mtime_ns)


def _files_of_zip(path: Path) -> Iterator[ImageFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(member.filename)
                if name.suffix.lower() in SUFFIXES and not any(map(_is_hidden, name.parts)):
                    yield ImageFile(member.filename, member.file_size, member.CRC)
    except zipfile.BadZipFile:
        raise DataError(f"{path} is neither a folder nor a zip file") from None


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


@contextmanager
def opener(path: Path) -> Iterator[Callable[[str], Image.Image]]:
    """Give a function that opens an image of a folder or a zip file by its name, from any thread."""
    if path.is_dir():
        yield lambda name: Image.open(path / name)
        return
    with zipfile.ZipFile(path) as archive:
        yield lambda name: Image.open(io.BytesIO(archive.read(name)))
