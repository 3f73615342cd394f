"""What a folder, a zip file or an array file holds, seen once from beginning to end."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ganzoo.components import Images, SampleSpace
from ganzoo.data.arrays import ArrayFile
from ganzoo.data.folder import ImageFolder, find_images
from ganzoo.data.images import CHUNK, fit, in_threads
from ganzoo.data.listing import reader
from ganzoo.data.split import Split
from ganzoo.errors import DataError
from ganzoo.utils.images import to_uint8
from ganzoo.utils.progress import chunks
from ganzoo_inspect.duplicates import SIDE, Group, alike_groups, equal_groups

DIGEST = 16  # bytes

DEPTHS = {"I": 32, "F": 32}
"""Bits a channel of Pillow's modes, where they are not 8."""

TURNED = range(5, 9)
"""Orientations of a camera in which height and width are exchanged."""

COLOURLESS = 3
"""Largest difference of the channels of a pixel, in levels, that is not taken for a colour."""

Counts = dict[str, int]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Look:
    """What is seen of one image."""

    size: Pair  # width and height
    mode: str
    bits: int
    format: str
    transparent: bool
    coloured: bool
    digest: bytes
    mark: npt.NDArray[np.uint8]  # (SIDE * SIDE,)


@dataclass
class Survey:
    """What was found.

    Attributes:
        path: the folder or file.
        kind: ``folder`` or ``arrays``, the data set that reads it.
        space: what samples are, of an array file; None where images have sizes of their own.
        names: of all samples that can be read: a path within the folder, or ``train[7]``.
        splits: how many samples each split has.
        split_of: the split of each sample, by its number in ``splits``.
        classes: how many samples each class has, by split; empty where there are none.
        label_of: the class of each sample, or None.
        sizes: how many images have each (width, height).
        modes: how many images have each of Pillow's modes, or samples each type of number.
        bits: how many images have each number of bits a channel.
        formats: how many images have each file format.
        transparent: how many images have transparent parts.
        coloured: how many images have colours.
        notes: what is left out, in words.
        unreadable: reasons by name of a file.
        exact: groups of samples that are equal.
        alike: groups of images that look the same and are not all equal.
    """

    path: Path
    kind: str
    space: SampleSpace | None = None
    names: list[str] = field(default_factory=list)
    splits: Counts = field(default_factory=dict)
    split_of: list[int] = field(default_factory=list)
    classes: dict[str, Counts] = field(default_factory=dict)
    label_of: list[str | None] = field(default_factory=list)
    sizes: Counter[Pair] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    bits: Counter[int] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    transparent: int = 0
    coloured: int = 0
    notes: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    exact: list[Group] = field(default_factory=list)
    alike: list[Group] = field(default_factory=list)

    def add(self, name: str, split: str, label: str | None, look: Look) -> None:
        """Count one sample."""
        self.names.append(name)
        self.splits[split] = self.splits.get(split, 0) + 1
        self.split_of.append(list(self.splits).index(split))
        self.label_of.append(label)
        if label is not None:
            counts = self.classes.setdefault(split, {})
            counts[label] = counts.get(label, 0) + 1
        self.sizes[look.size] += 1
        self.modes[look.mode] += 1
        self.bits[look.bits] += 1
        self.formats[look.format] += 1
        self.transparent += look.transparent
        self.coloured += look.coloured

    @property
    def images(self) -> bool:
        """Whether the samples are images."""
        return self.space is None or isinstance(self.space, Images)

    @property
    def train(self) -> str:
        """The split to train on: the one of that name, or else the largest."""
        return "train" if "train" in self.splits else max(self.splits, key=self.splits.__getitem__)

    def shared(self, groups: list[Group]) -> list[Group]:
        """Return the groups whose members lie in more than one split."""
        return [group for group in groups if len({self.split_of[each] for each in group}) > 1]

    def contradictory(self) -> list[Group]:
        """Return the groups of equal samples whose members have different classes."""
        return [group for group in self.exact if len({self.label_of[each] for each in group}) > 1]


def look_through(path: Path, *, compare: bool = True) -> Survey:
    """Look at every image of a folder or a zip file, or at every sample of a .npy or .npz file.

    Without ``compare``, images that look the same are not searched for.

    Raises:
        ganzoo.errors.DataError: it does not exist, holds nothing, or nothing in it can be read.
    """
    if path.suffix in {".npy", ".npz"} and not path.is_dir():
        return _of_arrays(path, compare=compare)
    return _of_folder(find_images(path), compare=compare)


def _of_folder(folder: ImageFolder, *, compare: bool) -> Survey:
    survey, prints = Survey(folder.path, "folder", notes=folder.notes), _Prints()
    files = [(split, file) for split, members in folder.splits.items() for file in members]
    labels = {split: _labels(folder, split) for split in folder.splits}
    begins = dict(zip(folder.splits, _begins(folder), strict=True))
    with reader(folder.path) as read:
        for indices in chunks(len(files), CHUNK, f"looking through {folder.path}"):
            names = [files[index][1].name for index in indices]

            def look(place: int, names: list[str] = names) -> Look | str:
                try:
                    return look_at(read(names[place]))
                except Exception as error:  # decoders raise anything on a damaged file
                    return str(error) or type(error).__name__

            for index, seen in zip(indices, in_threads(look, names)[0], strict=True):
                split, file = files[index]
                if isinstance(seen, str):
                    survey.unreadable[file.name] = _plain_reason(seen)
                else:
                    survey.add(file.name, split, labels[split](index - begins[split]), seen)
                    prints.add(seen)
    if not survey.names:
        first = next(iter(survey.unreadable.items()))
        count = len(survey.unreadable)
        raise DataError(f"{folder.path}: none of {count} images can be read: {': '.join(first)}")
    prints.group(survey, compare=compare)
    return survey


def _begins(folder: ImageFolder) -> Iterator[int]:
    begin = 0
    for members in folder.splits.values():
        yield begin
        begin += len(members)


def _labels(folder: ImageFolder, split: str) -> Callable[[int], str | None]:
    """Return the class of each image of a split, where images have one of several classes."""
    condition, classes = folder.condition_in(split), folder.conditions(split)
    if condition is None or classes is None or condition.kind != "classes":
        return lambda _: None
    names = condition.display_names
    return lambda index: names[int(classes[index])]


def _plain_reason(text: str) -> str:
    """Leave out what Pillow says about objects in memory."""
    return "is not an image" if text.startswith("cannot identify image file") else text


def look_at(content: bytes) -> Look:
    """Look at one image file, decoding it as training would."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112) in TURNED
        mode, transparent = image.mode, image.has_transparency_data
        bits = 1 if mode == "1" else 16 if mode.startswith("I;16") else DEPTHS.get(mode, 8)
        pixels = fit(image, SIDE, "rgb")
        return Look(
            size=(height, width) if turned else (width, height),
            mode=mode,
            bits=bits,
            format=image.format or "unknown",
            transparent=transparent,
            coloured=int(np.ptp(pixels.astype(np.int16), axis=0).max()) > COLOURLESS,
            digest=hashlib.blake2b(content, digest_size=DIGEST).digest(),
            mark=_grey(pixels).ravel(),
        )


def _grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey: npt.NDArray[np.uint8] = np.rint(pixels.mean(axis=0)).astype(np.uint8)
    return grey


def _of_arrays(path: Path, *, compare: bool) -> Survey:
    file = ArrayFile(path)
    info = file.info()
    survey, prints = Survey(path, "arrays", info.samples), _Prints()
    said = (note for split in file.splits for note in file.notes_on(split))
    survey.notes = tuple(dict.fromkeys(said))
    classes = info.classes
    for name in file.splits:
        split = file.read(name)
        for indices in chunks(len(split), CHUNK, f"looking through {path}"):
            for index in indices:
                label = None
                if classes is not None and split.classes is not None:
                    label = classes.display_names[int(split.classes[index])]
                look = _look_at_sample(split, index)
                survey.add(f"{name}[{index}]", name, label, look)
                prints.add(look)
    prints.group(survey, compare=compare and survey.images)
    return survey


def _look_at_sample(split: Split, index: int) -> Look:
    sample = np.ascontiguousarray(split.samples[index])
    digest = hashlib.blake2b(sample.tobytes(), digest_size=DIGEST).digest()
    mark, coloured = np.zeros(SIDE * SIDE, np.uint8), False
    size = (sample.shape[-1], sample.shape[-2]) if sample.ndim > 1 else (sample.shape[0], 1)
    if isinstance(split.space, Images):
        pixels = to_uint8(sample)
        coloured = len(pixels) > 1 and int(np.ptp(pixels.astype(np.int16), axis=0).max()) > 0
        mark = fit(Image.fromarray(_grey(pixels)), SIDE, "grey").ravel()
    channels = f"{len(sample)} x " if sample.ndim > 1 else ""
    return Look(
        size=size,
        mode=f"{channels}{sample.dtype}",
        bits=8 * sample.dtype.itemsize,
        format=split.space.kind,
        transparent=False,
        coloured=coloured,
        digest=digest,
        mark=mark,
    )


class _Prints:
    """Digests and marks of all samples: 272 bytes each."""

    def __init__(self) -> None:
        self._digests, self._marks = bytearray(), bytearray()

    def add(self, look: Look) -> None:
        """Keep those of one sample."""
        self._digests += look.digest
        self._marks += look.mark.tobytes()

    def group(self, survey: Survey, *, compare: bool) -> None:
        """Find the samples that are equal and, of one image each, those that look the same."""
        digests = np.frombuffer(self._digests, np.uint8).reshape(-1, DIGEST)
        survey.exact = equal_groups(digests)
        if compare:
            copies = {each for group in survey.exact for each in group[1:]}
            chosen = np.array([each for each in range(len(digests)) if each not in copies])
            marks = np.frombuffer(self._marks, np.uint8).reshape(-1, SIDE * SIDE)
            survey.alike = alike_groups(marks, chosen)


def to_json(survey: Survey, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found as JSON holds it; ``dataset`` is the section of a spec that reads it."""

    def named(groups: list[Group]) -> list[list[str]]:
        return [[survey.names[each] for each in group] for group in groups]

    return {
        "path": str(survey.path),
        "samples": len(survey.names),
        "splits": survey.splits,
        "classes": survey.classes,
        "sizes": [
            {"width": width, "height": height, "count": count}
            for (width, height), count in survey.sizes.most_common()
        ],
        "modes": dict(survey.modes.most_common()),
        "bits": {str(bits): count for bits, count in survey.bits.most_common()},
        "formats": dict(survey.formats.most_common()),
        "transparent": survey.transparent,
        "coloured": survey.coloured,
        "notes": list(survey.notes),
        "unreadable": survey.unreadable,
        "exact_duplicates": named(survey.exact),
        "near_duplicates": named(survey.alike),
        "across_splits": named(survey.shared(survey.exact) + survey.shared(survey.alike)),
        "contradictory_classes": named(survey.contradictory()),
        "dataset": dict(dataset),
    }
