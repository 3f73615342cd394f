"""Samples in NumPy's own files, ``.npy`` and ``.npz``; nothing in them is ever unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ganzoo.components import DatasetInfo
from ganzoo.data.store import ImageStore
from ganzoo.errors import DataError

Array = npt.NDArray[Any]
Layout = Literal["auto", "nchw", "nhwc"]

SAMPLES = ("images", "samples", "points")
"""Names for samples in an ``.npz`` file, or their ends (``train_images`` is split ``train``)."""

CHANNELS = (1, 3)
"""Lengths of an axis by which it is taken for the channels of images."""


class ArrayFile:
    """An ``.npy`` file of samples, or an ``.npz`` file of samples and labels in one or more splits.

    Args:
        path: the file.
        layout: order of axes of images (N, H, W, C) or (N, C, H, W); with ``auto`` it follows from
            which axis has 1 or 3 channels.

    Raises:
        DataError: the file is missing or damaged, or its names are not those of samples and labels.
    """

    def __init__(self, path: Path, layout: Layout = "auto") -> None:
        self.path, self.layout = path, layout
        if path.suffix not in {".npy", ".npz"}:
            raise DataError(f"{path} must end in .npy or .npz")
        with self._reading():
            self._names = _members(path) if path.suffix == ".npz" else []
        self._keys = self._find_splits()

    def info(self) -> DatasetInfo:
        """Say what the file holds; of the samples only the headers are read.

        Raises:
            DataError: an array cannot be samples or labels, or the splits do not match.
        """
        shapes = {key: self._sample_shape(key) for key in self._keys.values()}
        first, shape = next(iter(shapes.items()))
        for key, other in shapes.items():
            if other != shape:
                raise DataError(
                    f"{self.path}: samples are {shape} in {first}, but {other} in {key}"
                )
        labels = {split: self._labels(split) for split in self._keys}
        highest = [int(each.max()) for each in labels.values() if each is not None]
        names = self._class_names()
        if not highest:
            return DatasetInfo(shape, splits=tuple(self._keys))
        if len(highest) < len(labels):
            bare = next(split for split, each in labels.items() if each is None)
            raise DataError(f"{self.path}: split {bare} has no labels, but others have")
        if names is not None and len(names) <= max(highest):
            raise DataError(
                f"{self.path}: there are {len(names)} class_names, but labels up to {max(highest)}"
            )
        count = 1 + max(highest) if names is None else len(names)
        return DatasetInfo(shape, count, names, tuple(self._keys))

    def read(self, split: str) -> ImageStore:
        """Read one split; an ``.npy`` file is mapped from disk, not read as a whole.

        Raises:
            DataError: there is no such split, the arrays cannot be samples and labels, or a point
                is not finite.
        """
        if split not in self._keys:
            there = ", ".join(self._keys)
            raise DataError(f"{self.path} has no split {split!r} (there is: {there})")
        key = self._keys[split]
        axes = self._axes(key)
        samples = self._array(key)
        if axes == "nd":
            samples = self._finite(key, samples)
        elif axes == "nhw":
            samples = samples[:, None]
        elif axes == "nhwc":
            samples = np.moveaxis(samples, -1, 1)
        return ImageStore(samples, self._labels(split))

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self._keys)

    def header(self, split: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type of the samples of a split as they are stored, whatever they are.

        Raises:
            DataError: the file is damaged.
        """
        return self._header(self._keys[split])

    def stored(self, split: str) -> Array:
        """Return the samples of a split as they are stored, whatever they are.

        An ``.npy`` file is mapped from disk, not read as a whole.

        Raises:
            DataError: the file is damaged.
        """
        return self._array(self._keys[split])

    def _find_splits(self) -> dict[str, str]:
        """Return the name of each split's samples; the one array of an ``.npy`` file has none."""
        if self.path.suffix == ".npy":
            return {"train": ""}
        found: dict[str, str] = {}
        keys = [name.removesuffix(".npy") for name in self._names]
        for key in keys:
            split, _, kind = key.rpartition("_")
            if kind in SAMPLES and found.setdefault(split or "train", key) != key:
                raise DataError(
                    f"{self.path}: {found[split or 'train']} and {key} are samples of one split"
                )
        if not found:
            raise DataError(
                f"{self.path} must hold 'images' (or 'samples', 'points') and 'labels', or such as"
                f" 'train_images' and 'train_labels' for each split; it holds"
                f" {', '.join(map(repr, keys)) or 'nothing'}"
            )
        return found

    def _axes(self, key: str) -> Literal["nd", "nhw", "nchw", "nhwc"]:
        """Say what the axes of samples are."""
        shape, dtype = self._header(key)
        where = f"{self.path}: {key}" if key else str(self.path)
        if 0 in shape:
            raise DataError(f"{where} is empty: its shape is {shape}")
        if dtype.kind == "f" and dtype.itemsize in {4, 8} and len(shape) == 2:
            return "nd"
        if dtype != np.uint8 or len(shape) not in {3, 4}:
            raise DataError(
                f"{where} must be images, uint8 (N, H, W), (N, H, W, C) or (N, C, H, W), or points,"
                f" float32 (N, D); it is {dtype} {shape}"
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

    def _sample_shape(self, key: str) -> tuple[int, ...]:
        shape, _ = self._header(key)
        return {
            "nd": shape[1:],
            "nhw": (1, *shape[1:]),
            "nchw": shape[1:],
            "nhwc": (*shape[3:], *shape[1:3]),
        }[self._axes(key)]

    def _labels(self, split: str) -> npt.NDArray[np.int64] | None:
        """Read the labels of a split, or return None where it has none."""
        samples = self._keys[split]
        prefix, _, _ = samples.rpartition("_")
        key = f"{prefix}_labels" if prefix else "labels"
        if f"{key}.npy" not in self._names:
            return None
        labels, count = self._array(key), self._header(samples)[0][0]
        if labels.shape != (count,) or labels.dtype.kind not in "iu":
            raise DataError(
                f"{self.path}: {key} must be integers ({count},), not {labels.dtype} {labels.shape}"
            )
        if labels.min() < 0:
            raise DataError(f"{self.path}: {key} must count from 0, but has {labels.min()}")
        return labels.astype(np.int64)

    def _class_names(self) -> tuple[str, ...] | None:
        if "class_names.npy" not in self._names:
            return None
        names = self._array("class_names")
        if names.ndim != 1 or names.dtype.kind != "U":
            raise DataError(f"{self.path}: class_names must be a list of strings")
        return tuple(map(str, names))

    def _finite(self, key: str, points: Array) -> Array:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            points = np.asarray(points, dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        if len(bad):
            where = f"{self.path}: {key}" if key else str(self.path)
            raise DataError(
                f"{where} has {len(bad)} points that are not finite; the first is row {bad[0]}"
            )
        return points

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Read shape and type of an array."""
        if not key:
            array = self._array(key)
            return array.shape, array.dtype
        with (
            self._reading(),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{key}.npy") as file,
        ):
            if np.lib.format.read_magic(file) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
            return shape, dtype

    def _array(self, key: str) -> Array:
        with self._reading():
            if not key:
                return np.lib.format.open_memmap(self.path, mode="c")
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{key}.npy") as file:
                return np.lib.format.read_array(file, allow_pickle=False)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what a missing or damaged file raises into one sentence."""
        try:
            yield
        except FileNotFoundError:
            raise DataError(f"{self.path} does not exist") from None
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.path} cannot be read: {error}") from None


def _members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
