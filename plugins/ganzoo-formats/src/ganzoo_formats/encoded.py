"""Images that are stored as files within files: where each is, and how it is decoded."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganzoo.components import Condition
from ganzoo.data.images import Form, decoded_images
from ganzoo.data.labels import empty_classes
from ganzoo.data.listing import missing
from ganzoo.data.split import Split, check_split
from ganzoo.data.splits import split_of, split_of_file
from ganzoo.errors import DataError


@dataclass(frozen=True)
class Stored:
    """One image: its name for messages, the file that it is in, and its label."""

    name: str
    file: Path
    label: Any = None  # a whole number or a text
    place: tuple[int, ...] = ()  # where in the file it is


@dataclass(frozen=True)
class EncodedImages:
    """The images of a data set.

    Attributes:
        path: where they are.
        splits: those of each split, in order.
        names: names of the classes where the files say them.
        open: opens an image; called from several threads.
    """

    path: Path
    splits: dict[str, list[Stored]]
    names: tuple[str, ...] | None
    open: Callable[[Stored], Image.Image]

    @property
    def condition(self) -> Condition | None:
        """The classes, or None where images have no labels."""
        labels = [each.label for images in self.splits.values() for each in images]
        bare = sum(label is None for label in labels)
        if bare == len(labels):
            return None
        if bare:
            raise DataError(f"{self.path}: {bare:,} of {len(labels):,} images have no label")
        if all(isinstance(label, int) for label in labels):
            if min(labels) < 0:
                raise DataError(f"{self.path}: classes must count from 0, one is {min(labels)}")
            size = max(labels) + 1
            if self.names is not None and len(self.names) < size:
                count = f"{len(self.names)} names of classes, but labels up to {size - 1}"
                raise DataError(f"{self.path} has {count}")
            return Condition("classes", size if self.names is None else len(self.names), self.names)
        if all(isinstance(label, str) for label in labels):
            texts = tuple(sorted(set(labels)))
            return Condition("classes", len(texts), texts)
        raise DataError(f"{self.path}: labels must be whole numbers, or texts, in all samples")

    def notes_on(self, split: str) -> tuple[str, ...]:
        """Return what a user of a split must know: classes without samples."""
        if split not in self.splits or self.condition is None:
            return ()
        empty = empty_classes(self.condition, self._classes(split, self.condition).tolist(), split)
        return () if empty is None else (f"{self.path}: {empty}",)

    def read(self, split: str, form: Form) -> Split:
        """Decode one split, or map it from the cache; raise DataError where that fails."""
        check_split(split, self.splits, self.path)
        images, condition = self.splits[split], self.condition
        stamps = {each.file: each.file.stat() for each in images}
        pixels, _ = decoded_images(
            "formats",
            [each.name for each in images],
            lambda index: self.open(images[index]),
            fingerprint=[
                *((file.resolve(), s.st_size, s.st_mtime_ns) for file, s in stamps.items()),
                *((each.name, each.place) for each in images),
            ],
            form=form,
            where=str(self.path),
        )
        return Split(pixels, None if condition is None else self._classes(split, condition))

    def _classes(self, split: str, condition: Condition) -> npt.NDArray[np.int64]:
        labels = [each.label for each in self.splits[split]]
        if labels and isinstance(labels[0], str):
            number = {name: index for index, name in enumerate(condition.names or ())}
            labels = [number[label] for label in labels]
        return np.array(labels, np.int64)


def files_by_split(path: Path, suffix: str) -> dict[str, list[Path]]:
    """Return the files of a suffix at a path or below it, by their splits.

    Raises:
        DataError: there is nothing, or no file of the suffix.
    """
    if not path.exists():
        raise missing(path)
    if path.is_dir():
        files = sorted(each for each in path.rglob(f"*{suffix}") if each.is_file())
    else:
        files = [path]
    if not files or files[0].suffix != suffix:
        holds = f"holds no {suffix} files" if path.is_dir() else f"must end in {suffix}"
        packed = path.is_dir() and any(path.rglob(f"*{suffix}.*"))
        raise DataError(f"{path} {holds}{'; decompress those that are there' if packed else ''}")
    splits: dict[str, list[Path]] = {}
    for file in files:
        folder = split_of(file.parent.name) if file.parent != path.parent else None
        splits.setdefault(split_of_file(file.name) or folder or "train", []).append(file)
    return splits


def library(name: str, extra: str) -> Any:
    """Import a library, or raise DataError that names the extra which installs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        message = f"reading it needs {package}: pip install 'ganzoo-formats[{extra}]'"
        raise DataError(message) from None
