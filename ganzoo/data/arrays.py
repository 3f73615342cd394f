"""Samples in files of arrays, with their conditions, sources and splits."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ganzoo.components import Condition, DatasetInfo, SampleSpace, Sequences, space_of
from ganzoo.components.samples import ConditionKind
from ganzoo.data.array_store import ArrayStore, Header, NumpyFile
from ganzoo.data.labels import as_classes, empty_classes
from ganzoo.data.split import Split, check_split
from ganzoo.data.splits import split_of
from ganzoo.errors import DataError

Array = npt.NDArray[Any]
Layout = Literal["auto", "nchw", "nhwc", "arrays"]

SAMPLES = ("images", "samples", "points", "sequences")
"""Names of samples in a file, or their ends (``train_images`` is split ``train``)."""

ROLES = {
    "samples": (SAMPLES, ("image", "imgs", "img", "data", "x", "arr_0")),
    "labels": (("labels",), ("label", "targets", "target", "y", "arr_1")),
    "values": (("values",), ()),
    "source": (("source",), ()),
}
"""What arrays are: their own names, and others that people use, which count where no own name is."""

CHANNELS = (1, 3)  # lengths of an axis by which it is taken for the channels of images

FEWEST_ROWS = 8  # channels from which sequences may well be rows of images

CHUNK = 4096  # samples that are checked at a time: not all of a mapped file may fit in memory


class ArrayFile:
    """A file of samples in one or more splits, with conditions (``labels`` or ``values``) and sources.

    Args:
        store: the file, or the path of an ``.npy`` or ``.npz`` file.
        layout: order of the axes of images, (N, H, W, C) or (N, C, H, W); with ``auto`` it follows
            from which axis has 1 or 3 channels. With ``arrays``, samples are floats that are not
            images, whatever their axes.
        paired: whether source i belongs to sample i.
        span: the stored numbers that are black and white, where images are of another type than uint8
            or uint16, or do not use all of it.
        bits: of images, where there is a ``span``.

    Raises:
        DataError: the file is missing or damaged, or it has no array with the name of samples.
    """

    def __init__(
        self,
        store: ArrayStore | Path,
        layout: Layout = "auto",
        paired: bool = True,
        span: tuple[float, float] | None = None,
        bits: Literal[8, 16] = 8,
    ) -> None:
        self._store = NumpyFile(store) if isinstance(store, Path) else store
        self.path, self.layout, self.paired = self._store.path, layout, paired
        self._span, self._bits = span, bits
        self._names = self._store.names
        self._found = {role: self._find(role) for role in ROLES}
        self._keys = self._found["samples"]
        if not self._keys:
            raise DataError(
                f"{self.path} must hold 'images' (or 'samples', 'points', 'sequences') and 'labels', or"
                f" such as 'train_images' and 'train_labels' for each split; it holds"
                f" {', '.join(map(repr, self._names)) or 'nothing'}"
            )

    def info(self) -> DatasetInfo:
        """Describe the file; of samples and sources only the headers are read.

        Raises:
            DataError: an array cannot be what its name says, or the splits do not match.
        """
        found = {split: self._beside(split, "source") for split in self._keys}
        self._check_presence("source", found)
        for split, source in found.items():
            self._check_pairs(split, source)
        sources = [key for key in found.values() if key is not None]
        return DatasetInfo(
            self._common_space("samples", [*self._keys.values()]),
            self._common_condition(),
            self._common_space("sources", sources) if sources else None,
            self.paired,
            tuple(self._keys),
        )

    def read(self, split: str) -> Split:
        """Read one split; an ``.npy`` file is mapped from disk, not read as a whole.

        Raises:
            DataError: the file does not have the split, an array cannot be what its name says, or a
                number is not finite.
        """
        check_split(split, self._keys, self.path)
        samples = self._samples(self._keys[split])
        source = self._beside(split, "source")
        self._check_pairs(split, source)
        condition = self._condition(split)
        return Split(
            samples,
            None if condition is None else condition[1],
            None if source is None else self._samples(source),
            self.paired,
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self._keys)

    def header(self, split: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type of the samples of a split as they are stored, whatever they are."""
        return self._header(self._keys[split])

    def stored(self, split: str) -> Array:
        """Return the samples of a split as they are stored; an ``.npy`` file is mapped from disk."""
        return self._array(self._keys[split])

    def notes_on(self, split: str) -> tuple[str, ...]:
        """Return what a user of a split must know: arrays that are not used, and empty classes."""
        if split not in self._keys:
            return ()
        count = self._header(self._keys[split])[0][0]
        used = {key for keys in self._found.values() for s, key in keys.items() if s in self._keys}
        unused = [
            name
            for name in self._names
            if name not in used and self._header(name)[0][:1] == (count,) and name != "class_names"
        ]
        notes = [f"{self.path}: {', '.join(unused)} is not used"] if unused else []
        notes += self._doubts(self._keys[split])
        condition = self._condition(split)
        if condition is not None and condition[0] == "classes":
            labels = set(np.unique(condition[1]).tolist())
            empty = empty_classes(self._common_condition(), labels, split)
            notes += [] if empty is None else [f"{self.path}: {empty}"]
        return tuple(notes)

    def _doubts(self, key: str) -> list[str]:
        """Return, in words, that floats are read as sequences where they may be grey images."""
        space = self._space(key)
        if not isinstance(space, Sequences) or self.layout == "arrays" or "sequences" in key:
            return []
        if space.channels < FEWEST_ROWS:
            return []
        return [
            f"{self._where(key)} is read as sequences of {space.length} steps with {space.channels}"
            " channels; if they are images, set 'range' to the numbers that are black and white, such as"
            " [0, 1], and if not, set 'layout' to arrays"
        ]

    def _find(self, role: str) -> dict[str, str]:
        """Return the name of each split's array of a role; the one array of an .npy file has none."""
        if self._names == ("",):
            return {"train": ""} if role == "samples" else {}
        own, others = ROLES[role]
        for kinds in (own, others):
            found: dict[str, str] = {}
            for name in self._names:
                split = _split_in(name, kinds, any_split=kinds is own)
                if split is not None and found.setdefault(split, name) != name:
                    raise DataError(
                        f"{self.path}: {found[split]} and {name} are {role} of one split"
                    )
            if found:
                return found
        return {}

    def _beside(self, split: str, role: str) -> str | None:
        """Return the key of what belongs to the samples of a split, or None where there is none."""
        return self._found[role].get(split)

    def _check_presence(self, name: str, found: dict[str, Any]) -> None:
        """Refuse what some splits have and others do not."""
        bare = [split for split, each in found.items() if each is None]
        if 0 < len(bare) < len(found):
            raise DataError(f"{self.path}: split {bare[0]} has no {name}, but others have")

    def _common_space(self, name: str, keys: list[str]) -> SampleSpace:
        first, *others = [self._space(key) for key in keys]
        for key, space in zip(keys[1:], others, strict=True):
            if space != first:
                here, there = first.shape, space.shape
                both = (here, there) if here != there else (first.dtype, space.dtype)
                where = f"{both[0]} in {keys[0]}, but {both[1]} in {key}"
                raise DataError(f"{self.path}: {name} are {where}")
        return first

    def _common_condition(self) -> Condition | None:
        found = {split: self._condition(split) for split in self._keys}
        has_values = any(self._beside(split, "values") for split in self._keys)
        self._check_presence("values" if has_values else "labels", found)
        conditions = {split: each for split, each in found.items() if each is not None}
        if not conditions:
            return None
        kinds = {kind for kind, _ in conditions.values()}
        if len(kinds) > 1:
            listed = ", ".join(f"{kind} in {split}" for split, (kind, _) in conditions.items())
            raise DataError(f"{self.path}: conditions differ between splits: {listed}")
        kind, names = kinds.pop(), self._texts or self._class_names()
        arrays = [array for _, array in conditions.values()]
        if kind == "classes":
            size = max(int(each.max()) for each in arrays) + 1
            if self._are_one_hot:
                size = self._header(next(iter(self._found["labels"].values())))[0][1]
            if names is not None and len(names) < size:
                count = f"{len(names)} class_names, but labels up to {size - 1}"
                raise DataError(f"{self.path}: there are {count}")
            return Condition(kind, size if names is None else len(names), names)
        size, *others = sorted({each.shape[1] for each in arrays})
        if others:
            listed = ", ".join(map(str, (size, *others)))
            raise DataError(f"{self.path}: splits have different numbers of {kind}: {listed}")
        if names is not None and len(names) != size:
            raise DataError(f"{self.path}: there are {len(names)} class_names for {size} {kind}")
        return Condition(kind, size, names)

    @cached_property
    def _labels(self) -> dict[str, Array]:
        """The labels of each split that has samples, as they are stored, in one column if they are."""
        arrays = {
            s: self._array(key) for s, key in self._found["labels"].items() if s in self._keys
        }
        return {
            split: array[:, 0]
            if array.ndim == 2 and array.shape[1] == 1 and not _is_real(array)
            else array
            for split, array in arrays.items()
        }

    @cached_property
    def _texts(self) -> tuple[str, ...] | None:
        """The texts that are labels, in order, or None where labels are numbers."""
        arrays = self._labels.values()
        if not arrays or any(each.ndim != 1 or each.dtype.kind not in "US" for each in arrays):
            return None
        return tuple(sorted({text for each in arrays for text in _decoded(each)}))

    @cached_property
    def _are_one_hot(self) -> bool:
        """Whether labels are rows of 0 with a single 1, in all splits: one of several classes."""
        return bool(self._labels) and all(
            each.ndim == 2
            and each.shape[1] > 1
            and each.dtype.kind in "biuf"
            and bool(np.isin(each, (0, 1)).all())
            and bool((each.sum(axis=1) == 1).all())
            for each in self._labels.values()
        )

    def _condition(self, split: str) -> tuple[ConditionKind, Array] | None:
        labels, values = self._beside(split, "labels"), self._beside(split, "values")
        if labels and values:
            raise DataError(f"{self.path}: split {split} must have labels or values, not both")
        key = labels or values
        if key is None:
            return None
        count = self._header(self._keys[split])[0][0]
        array = self._labels[split] if labels else self._array(key)
        kind = array.dtype.kind
        if labels and array.shape == (count,):
            if self._texts is not None:
                number = {text: index for index, text in enumerate(self._texts)}
                texts = [number[text] for text in _decoded(array)]
                return "classes", np.array(texts, np.int64)
            if kind in "iub" or (kind == "f" and not _is_real(array)):
                return "classes", as_classes(array, f"{self.path}: {key}")
        if values and array.shape == (count,):
            array = array[:, None]
        if kind in "biuf" and array.ndim == 2 and len(array) == count and array.size:
            if labels and self._are_one_hot:
                return "classes", array.argmax(axis=1).astype(np.int64)
            if labels and np.isin(array, (0, 1)).all():
                return "labels", array.astype(np.float32)
            if values or kind == "f":
                return "values", self._finite(key, array)
        form = f"integers ({count},) for classes, or 0 and 1 ({count}, k)"
        form = form if labels else f"numbers ({count},) or ({count}, k)"
        hint = (
            "; numbers that are not classes are called 'values'" if labels and kind == "f" else ""
        )
        found = f"{array.dtype} {array.shape}{hint}"
        raise DataError(f"{self.path}: {key} must be {form}, not {found}")

    def _class_names(self) -> tuple[str, ...] | None:
        if "class_names" not in self._names:
            return None
        names = self._array("class_names")
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise DataError(f"{self.path}: class_names must be a list of strings")
        return tuple(_decoded(names))

    def _check_pairs(self, split: str, source: str | None) -> None:
        if source is None:
            if not self.paired:
                raise DataError(f"{self.path} has no 'source', so 'paired' must be true")
            return
        count, sources = self._header(self._keys[split])[0][0], self._header(source)[0][0]
        if self.paired and sources != count:
            raise DataError(
                f"{self.path}: {count} samples cannot be paired with {sources} sources in {source};"
                " set 'paired' to false if they do not belong together"
            )

    def _axes(self, key: str) -> Literal["floats", "nhw", "nchw", "nhwc"]:
        shape, dtype = self._header(key)
        where = self._where(key)
        if 0 in shape:
            raise DataError(f"{where} is empty: its shape is {shape}")
        floats = dtype.kind == "f" and dtype.itemsize in {4, 8} and len(shape) > 1
        may_be_images = len(shape) == 4 and (shape[1] in CHANNELS or shape[3] in CHANNELS)
        if floats and self._span is None and (self.layout == "arrays" or not may_be_images):
            return "floats"
        has_range = self._span is not None and dtype.kind in "biuf"
        images = has_range or (dtype.kind == "u" and dtype.itemsize in {1, 2})
        if not images or len(shape) not in {3, 4} or self.layout == "arrays":
            numbers = dtype.kind in "if" and len(shape) in {3, 4} and self.layout != "arrays"
            hint = (
                "; if they are images, set 'range' to the numbers that are black and white, such as"
                " [0, 255], or store images as uint8 or uint16, or set 'layout' to arrays if they are"
                " none"
            )
            raise DataError(
                f"{where} must be images, uint8 or uint16 (N, H, W), (N, H, W, C) or (N, C, H, W), or"
                f" points, sequences or arrays, float32 (N, D), (N, C, L) or (N, …); it is {dtype}"
                f" {shape}{hint if numbers else ''}"
            )
        if len(shape) == 3:
            return "nhw"
        if self.layout != "auto":
            return self.layout
        first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
        if first == last:
            raise DataError(
                f"{where} is {shape}, so its channels may be the second axis or the last; set"
                " 'layout' to nchw or nhwc"
            )
        return "nchw" if first else "nhwc"

    def _space(self, key: str) -> SampleSpace:
        shape, dtype = self._header(key)
        axes = self._axes(key)
        if axes == "floats":
            return space_of(shape[1:], "float32")
        channels_first = {
            "nhw": (1, *shape[1:]),
            "nchw": shape[1:],
            "nhwc": (shape[-1], *shape[1:3]),
        }
        bits = self._bits if self._span is not None else 8 * dtype.itemsize
        return space_of(channels_first[axes], f"uint{bits}")

    def _samples(self, key: str) -> Array:
        """Read samples or sources, images with channels first."""
        axes, array = self._axes(key), self._array(key)
        if axes == "floats":
            return self._finite(key, array)
        if self._span is not None:
            array = self._scaled(key, array, self._span)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if axes == "nhw":
            return array[:, None]
        return np.moveaxis(array, -1, 1) if axes == "nhwc" else array

    def _scaled(self, key: str, array: Array, span: tuple[float, float]) -> Array:
        """Return images whose numbers go from black to white as they are stored."""
        low, high = span
        largest = (1 << self._bits) - 1
        scaled = np.empty(array.shape, f"uint{self._bits}")
        for begin in range(0, len(array), CHUNK):
            part = array[begin : begin + CHUNK].astype(np.float64)
            if not (part.min() >= low and part.max() <= high):  # NaN is neither
                found = f"{part.min():g} to {part.max():g}"
                raise DataError(
                    f"{self._where(key)} has numbers from {found}, outside the range [{low:g},"
                    f" {high:g}]"
                )
            scaled[begin : begin + CHUNK] = np.rint((part - low) / (high - low) * largest)
        return scaled

    def _finite(self, key: str, array: Array) -> Array:
        """Return numbers as float32, after a check that all are finite."""
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            floats: Array = array.astype(np.float32, copy=False)
        chunks = (floats[begin : begin + CHUNK] for begin in range(0, len(floats), CHUNK))
        finite = [np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1) for chunk in chunks]
        bad = np.flatnonzero(~np.concatenate(finite))
        if len(bad):
            rows = f"{len(bad)} of {len(floats)} rows; the first is row {bad[0]}"
            raise DataError(f"{self._where(key)} has numbers that are not finite in {rows}")
        return floats

    def _where(self, key: str) -> str:
        return f"{self.path}: {key}" if key else str(self.path)

    def _header(self, key: str) -> Header:
        return self._store.header(key)

    def _array(self, key: str) -> Array:
        return self._store.array(key)


def _split_in(name: str, kinds: Iterable[str], any_split: bool) -> str | None:
    """Return the split of an array of one of the kinds, as its name says, or None if it is of none.

    The split stands before the kind, or after it where it is one that is known; elsewhere it is train.
    """
    plain = name.lower().replace("/", "_")
    for kind in kinds:
        if plain == kind:
            return "train"
        before, after = plain.removesuffix(f"_{kind}"), plain.removeprefix(f"{kind}_")
        if before != plain and (any_split or split_of(before)):
            return split_of(before) or before
        if after != plain and split_of(after):
            return split_of(after)
    return None


def _is_real(array: Array) -> bool:
    """Return whether numbers are not all whole; texts are not numbers."""
    return array.dtype.kind == "f" and not bool((array == np.rint(array)).all())


def _decoded(texts: Array) -> list[str]:
    return [
        text.decode(errors="backslashreplace") if isinstance(text, bytes) else str(text)
        for text in texts.tolist()
    ]
