"""Samples in NumPy's own files, ``.npy`` and ``.npz``; nothing in them is ever unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from ganzoo.components import Condition, DatasetInfo, SampleSpace, space_of
from ganzoo.components.samples import ConditionKind
from ganzoo.data.split import Split, check_split
from ganzoo.errors import DataError

Array = npt.NDArray[Any]
Layout = Literal["auto", "nchw", "nhwc", "arrays"]

SAMPLES = ("images", "samples", "points", "sequences")
"""Names of samples in an ``.npz`` file, or their ends (``train_images`` is split ``train``)."""

CHANNELS = (1, 3)  # lengths of an axis by which it is taken for the channels of images

CHUNK = 4096  # samples that are checked at a time: not all of a mapped file may fit in memory


class ArrayFile:
    """An ``.npy`` file of samples, or an ``.npz`` file of samples in one or more splits.

    Beside samples, an ``.npz`` file may hold conditions (``labels`` or ``values``) and sources.

    Args:
        path: the file.
        layout: order of the axes of images, (N, H, W, C) or (N, C, H, W); with ``auto`` it follows
            from which axis has 1 or 3 channels. With ``arrays``, samples are floats that are not
            images, whatever their axes.
        paired: whether source i belongs to sample i.

    Raises:
        DataError: the file is missing or damaged, or it has no array with the name of samples.
    """

    def __init__(self, path: Path, layout: Layout = "auto", paired: bool = True) -> None:
        self.path, self.layout, self.paired = path, layout, paired
        if path.suffix not in {".npy", ".npz"}:
            raise DataError(f"{path} must end in .npy or .npz")
        self._names: list[str] = []
        with self._reading():
            if path.suffix == ".npz":
                with zipfile.ZipFile(path) as archive:
                    self._names = archive.namelist()
        self._keys = self._find_splits()

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

    def _find_splits(self) -> dict[str, str]:
        """Return the name of each split's samples; the one array of an ``.npy`` file has none."""
        if self.path.suffix == ".npy":
            return {"train": ""}
        found: dict[str, str] = {}
        keys = [name.removesuffix(".npy") for name in self._names]
        for key in keys:
            split, _, kind = key.rpartition("_")
            split = split or "train"
            if kind in SAMPLES and found.setdefault(split, key) != key:
                raise DataError(f"{self.path}: {found[split]} and {key} are samples of one split")
        if not found:
            raise DataError(
                f"{self.path} must hold 'images' (or 'samples', 'points', 'sequences') and 'labels', or"
                f" such as 'train_images' and 'train_labels' for each split; it holds"
                f" {', '.join(map(repr, keys)) or 'nothing'}"
            )
        return found

    def _beside(self, split: str, name: str) -> str | None:
        """Return the key of what belongs to the samples of a split, or None where there is none."""
        prefix, _, _ = self._keys[split].rpartition("_")
        key = f"{prefix}_{name}" if prefix else name
        return key if f"{key}.npy" in self._names else None

    def _check_presence(self, name: str, found: dict[str, Any]) -> None:
        """Refuse what some splits have and others do not."""
        bare = [split for split, each in found.items() if each is None]
        if 0 < len(bare) < len(found):
            raise DataError(f"{self.path}: split {bare[0]} has no {name}, but others have")

    def _common_space(self, name: str, keys: list[str]) -> SampleSpace:
        """Return what all of these arrays hold."""
        first = self._space(keys[0])
        for key in keys[1:]:
            space = self._space(key)
            if space != first:
                aspect = "shape" if space.shape != first.shape else "dtype"
                both = (
                    f"{getattr(first, aspect)} in {keys[0]}, but {getattr(space, aspect)} in {key}"
                )
                raise DataError(f"{self.path}: {name} are {both}")
        return first

    def _common_condition(self) -> Condition | None:
        """Return what the conditions of all splits are."""
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
        kind, names = kinds.pop(), self._class_names()
        arrays = [array for _, array in conditions.values()]
        if kind == "classes":
            size = max(int(each.max()) for each in arrays) + 1
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

    def _condition(self, split: str) -> tuple[ConditionKind, Array] | None:
        """Read the conditions of a split, or return None where it has none."""
        labels, values = self._beside(split, "labels"), self._beside(split, "values")
        if labels and values:
            raise DataError(f"{self.path}: split {split} must have labels or values, not both")
        key = labels or values
        if key is None:
            return None
        array, count = self._array(key), self._header(self._keys[split])[0][0]
        shape, kind = array.shape, array.dtype.kind
        if labels and kind in "iu" and shape in {(count,), (count, 1)}:
            if array.min() < 0:
                raise DataError(f"{self.path}: {key} must count from 0, but has {array.min()}")
            return "classes", array.reshape(count).astype(np.int64)
        if values and shape == (count,):
            array = array[:, None]
        if kind in "biuf" and array.ndim == 2 and len(array) == count and array.size:
            if labels and np.isin(array, (0, 1)).all():
                return "labels", array.astype(np.float32)
            if values or kind == "f":
                return "values", self._finite(key, array)
        form = f"integers ({count},) for classes, or 0 and 1 ({count}, k)"
        form = form if labels else f"numbers ({count},) or ({count}, k)"
        raise DataError(f"{self.path}: {key} must be {form}, not {array.dtype} {shape}")

    def _class_names(self) -> tuple[str, ...] | None:
        if "class_names.npy" not in self._names:
            return None
        names = self._array("class_names")
        if names.ndim != 1 or names.dtype.kind != "U":
            raise DataError(f"{self.path}: class_names must be a list of strings")
        return tuple(map(str, names))

    def _check_pairs(self, split: str, source: str | None) -> None:
        """Refuse sources that cannot be paired with the samples of a split."""
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
        """Return what the axes of samples or sources are."""
        shape, dtype = self._header(key)
        where = self._where(key)
        if 0 in shape:
            raise DataError(f"{where} is empty: its shape is {shape}")
        floats = dtype.kind == "f" and dtype.itemsize in {4, 8} and len(shape) > 1
        may_be_images = len(shape) == 4 and (shape[1] in CHANNELS or shape[3] in CHANNELS)
        if floats and (self.layout == "arrays" or not may_be_images):
            return "floats"
        images = dtype.kind == "u" and dtype.itemsize in {1, 2} and len(shape) in {3, 4}
        if not images or self.layout == "arrays":
            hint = "; store images as uint8 or uint16, or set 'layout' to arrays if they are none"
            raise DataError(
                f"{where} must be images, uint8 or uint16 (N, H, W), (N, H, W, C) or (N, C, H, W), or"
                f" points, sequences or arrays, float32 (N, D), (N, C, L) or (N, …); it is {dtype}"
                f" {shape}{hint if floats else ''}"
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
        """Return what samples or sources are, from the header of their array."""
        shape, dtype = self._header(key)
        axes = self._axes(key)
        if axes == "floats":
            return space_of(shape[1:], "float32")
        channels_first = {
            "nhw": (1, *shape[1:]),
            "nchw": shape[1:],
            "nhwc": (shape[-1], *shape[1:3]),
        }
        return space_of(channels_first[axes], f"uint{8 * dtype.itemsize}")

    def _samples(self, key: str) -> Array:
        """Read samples or sources, images with channels first."""
        axes, array = self._axes(key), self._array(key)
        if axes == "floats":
            return self._finite(key, array)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if axes == "nhw":
            return array[:, None]
        return np.moveaxis(array, -1, 1) if axes == "nhwc" else array

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

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        if not key:
            array = self._array(key)
            return array.shape, array.dtype
        with self._reading(), self._open(key) as file:
            old = np.lib.format.read_magic(file) == (1, 0)
            form = np.lib.format
            read = form.read_array_header_1_0 if old else form.read_array_header_2_0
            shape, _, dtype = read(file)
            return shape, dtype

    def _array(self, key: str) -> Array:
        with self._reading():
            if not key:
                return np.lib.format.open_memmap(self.path, mode="c")
            with self._open(key) as file:
                return np.lib.format.read_array(file, allow_pickle=False)

    @contextmanager
    def _open(self, key: str) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{key}.npy") as file:
            yield file

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what a missing or damaged file raises into one sentence."""
        try:
            yield
        except FileNotFoundError:
            raise DataError(f"{self.path} does not exist") from None
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.path} cannot be read: {error}") from None
