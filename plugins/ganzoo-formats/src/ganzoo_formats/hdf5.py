"""Arrays in HDF5 files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.data.array_store import Array, Header
from ganzoo.data.listing import missing
from ganzoo.errors import DataError
from ganzoo_formats.encoded import library


class Hdf5File:
    """The arrays of an HDF5 file, by their paths in it.

    Raises:
        DataError: the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise missing(path)
        found: list[str] = []
        h5py = library("h5py", "hdf5")

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found.append(name)

        with self._opened() as file:
            file.visititems(visit)
        self._names = tuple(found)

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the arrays."""
        return self._names

    def header(self, name: str) -> Header:
        """Return shape and type of an array without reading it."""
        with self._opened() as file:
            shape, dtype = file[name].shape, file[name].dtype
            return tuple(shape or ()), np.dtype("S") if dtype.hasobject else dtype

    def array(self, name: str) -> Array:
        """Read an array into memory; texts become strings."""
        with self._opened() as file:
            array: Array = np.asarray(file[name][()])
            return np.array([_text(each) for each in array]) if array.dtype.hasobject else array

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if self.path.is_dir():
            raise DataError(f"{self.path} is a folder, not an HDF5 file")
        try:
            with library("h5py", "hdf5").File(self.path, "r") as file:
                yield file
        except MemoryError:
            raise DataError(f"{self.path} needs more memory than there is") from None
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path} cannot be read: {reason}") from None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
