"""Images in folders or zip files, one by one or in pairs: which there are, and their pixels."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ganzoo.components import Condition
from ganzoo.data.images import Mode, Pixels, Size, cached_images
from ganzoo.data.split import Split, check_split
from ganzoo.errors import DataError

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""Suffixes of image files; other files are skipped."""

SPLITS = frozenset(("train", "val", "valid", "validation", "test"))
"""Names of top-level folders that are splits and not classes."""

Half = Literal["left", "right"]
OTHER_HALF: dict[Half | None, Half] = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class ImageFile:
    """One image of a folder or a zip file."""

    name: str  # its path within the folder or zip file
    size: int  # in bytes
    stamp: int  # changes with its content: when it was changed, or in a zip file its checksum
    label: str | None = None  # its class, where it has one
    key: str = ""  # its path within its split, without suffix; images are paired by it


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder or a zip file."""

    path: Path
    splits: dict[str, tuple[ImageFile, ...]]  # each in the order of their names
    class_names: tuple[str, ...] | None  # in order, or None where images have no labels

    @property
    def condition(self) -> Condition | None:
        """The classes of the images, or None where they have none."""
        names = self.class_names
        return None if names is None else Condition("classes", len(names), names)

    def read(self, split: str, size: Size, mode: Mode) -> Split:
        """Decode one split, or map it from the cache; raise DataError where that fails."""
        check_split(split, self.splits, self.path)
        return Split(self.pixels(split, size, mode), self.classes(split))

    def pixels(self, split: str, size: Size, mode: Mode, half: Half | None = None) -> Pixels:
        """Decode the images of a split, or one half of each, or map them from the cache."""
        files = self.splits[split]
        fingerprint = [
            self.path.resolve(),
            *((file.name, file.size, file.stamp) for file in files),
            *([] if half is None else [half]),
        ]
        with opener(self.path) as open_named:

            def open_image(index: int) -> Image.Image:
                image = open_named(files[index].name)
                return image if half is None else _half(image, half)

            return cached_images(
                "folder",
                [file.name for file in files],
                open_image,
                fingerprint=fingerprint,
                size=size,
                mode=mode,
                where=str(self.path),
            )

    def classes(self, split: str) -> npt.NDArray[np.int64] | None:
        """Return the class number of each image of a split, or None where they have none."""
        if self.class_names is None:
            return None
        number = {name: index for index, name in enumerate(self.class_names)}
        labels = [number[file.label] for file in self.splits[split] if file.label is not None]
        return np.array(labels, dtype=np.int64)


def find_images(path: Path) -> ImageFolder:
    """List the images of a folder or a zip file, without reading them.

    If all images lie in one folder, that folder is opened. Where all images lie in folders named
    train, val, valid, validation or test, those are the splits; otherwise all are of split train.
    Where the images of a split lie in sub-folders, the names of these are the classes.

    Raises:
        DataError: the path does not exist, it holds no images, or images lie both in and beside
            sub-folders.
    """
    files = sorted(files_of(path), key=lambda file: file.name)
    if not files:
        raise DataError(f"{path} holds no images (looked for {', '.join(sorted(SUFFIXES))})")
    parts = _unwrapped([PurePosixPath(file.name).parts for file in files])
    has_splits = all(len(part) > 1 and part[0] in SPLITS for part in parts)
    splits: dict[str, list[ImageFile]] = {}
    example: dict[bool, str] = {}  # an image in a sub-folder, and one in none
    for file, part in zip(files, parts, strict=True):
        name, within = (part[0], part[1:]) if has_splits else ("train", part)
        label = within[0] if len(within) > 1 else None
        key = PurePosixPath(*within).with_suffix("").as_posix()
        splits.setdefault(name, []).append(replace(file, label=label, key=key))
        example.setdefault(label is not None, file.name)
    if len(example) > 1:
        raise DataError(
            f"{path} has images both in sub-folders ({example[True]}) and beside them"
            f" ({example[False]}); put each into the folder of its class, or all into one folder"
        )
    found = {name: tuple(members) for name, members in splits.items()}
    classes = {file.label for members in splits.values() for file in members if file.label}
    return ImageFolder(path, found, tuple(sorted(classes)) or None)


def _unwrapped(parts: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave out a single folder that everything lies in, unless it is a split."""
    tops = {part[0] for part in parts}
    if len(tops) > 1 or tops <= SPLITS or any(len(part) == 1 for part in parts):
        return parts
    return _unwrapped([part[1:] for part in parts])


def files_of(path: Path) -> Iterator[ImageFile]:
    """Yield the images of a folder or a zip file, in no order, but for hidden files.

    Raises:
        DataError: the path does not exist or cannot be read.
    """
    try:
        if path.is_dir():
            yield from files_of_folder(path)
        elif path.is_file():
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    name = PurePosixPath(member.filename)
                    if name.suffix.lower() in SUFFIXES and not any(map(_is_hidden, name.parts)):
                        yield ImageFile(member.filename, member.file_size, member.CRC)
        else:
            raise DataError(f"{path} does not exist")
    except zipfile.BadZipFile:
        problem = "is neither a folder nor a zip file"
        if path.suffix.lower() in SUFFIXES:
            problem += " but one image; name the folder it is in"
        elif path.suffix.lower() == ".zip":
            problem += " that is whole; it is damaged, so copy or download it again"
        raise DataError(f"{path} {problem}") from None
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror}") from None


def files_of_folder(path: Path) -> Iterator[ImageFile]:
    """Yield the images of a folder and its sub-folders, in no order; raise OSError where that fails."""

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


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


@contextmanager
def opener(path: Path) -> Iterator[Callable[[str], Image.Image]]:
    """Return a function that opens an image of a folder or a zip file by name, from any thread."""
    if path.is_dir():
        yield lambda name: Image.open(path / name)
    else:
        with zipfile.ZipFile(path) as archive:
            yield lambda name: Image.open(io.BytesIO(archive.read(name)))


def _half(image: Image.Image, half: Half) -> Image.Image:
    with image:
        upright = ImageOps.exif_transpose(image)
    width = upright.width // 2
    left = 0 if half == "left" else upright.width - width
    return upright.crop((left, 0, left + width, upright.height))


@dataclass(frozen=True)
class Translations:
    """Images to translate from (sources) and images to translate to (targets), in the same splits."""

    source: ImageFolder
    target: ImageFolder
    paired: bool  # whether source i of a split belongs to target i
    half: Half | None = None  # which half is the source, where each image holds both

    def read(self, split: str, size: Size, mode: Mode, source_mode: Mode) -> Split:
        """Decode one split, or map it from the cache; raise DataError where that fails."""
        check_split(split, self.target.splits, self.target.path)
        return Split(
            self.target.pixels(split, size, mode, OTHER_HALF.get(self.half)),
            self.target.classes(split),
            self.source.pixels(split, size, source_mode, self.half),
            self.paired,
        )


def find_pairs(source: Path, target: Path) -> Translations:
    """List the images of two folders or zip files, paired by their names without suffix.

    Raises:
        DataError: an image has no partner, or two have the same name; or as ``find_images`` does.
    """
    sources, targets = find_images(source), find_images(target)
    by_key, target_by_key = _by_key(sources), _by_key(targets)
    lonely = [str(source / by_key[key].name) for key in by_key if key not in target_by_key]
    lonely += [str(target / target_by_key[key].name) for key in target_by_key if key not in by_key]
    if lonely:
        listed = ", ".join(lonely[:3]) + (", …" if len(lonely) > 3 else "")
        raise DataError(
            f"{source} and {target} cannot be paired: {len(lonely)} images have no partner of the same"
            f" name, whatever its suffix, in the other: {listed}"
        )
    ordered = {
        split: tuple(by_key[split, file.key] for file in files)
        for split, files in targets.splits.items()
    }
    return Translations(replace(sources, splits=ordered), targets, paired=True)


def find_domains(source: Path, target: Path) -> Translations:
    """List the images of two folders or zip files that are not paired, in the splits of both.

    Raises:
        DataError: they have no split in common; or as ``find_images`` does.
    """
    sources, targets = find_images(source), find_images(target)
    common = {name: files for name, files in targets.splits.items() if name in sources.splits}
    if not common:
        splits = f"{', '.join(sources.splits)} and {', '.join(targets.splits)}"
        raise DataError(f"{source} and {target} have no split in common ({splits})")
    return Translations(sources, replace(targets, splits=common), paired=False)


def _by_key(folder: ImageFolder) -> dict[tuple[str, str], ImageFile]:
    found: dict[tuple[str, str], ImageFile] = {}
    for split, files in folder.splits.items():
        for file in files:
            first = found.setdefault((split, file.key), file)
            if first is not file:
                names = f"{first.name} and {file.name}, which differ only in their suffix"
                raise DataError(f"{folder.path} has {names}; remove one of them")
    return found
