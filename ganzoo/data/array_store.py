"""Files that hold arrays by name: what is in them, without reading it, and the arrays themselves."""

from __future__ import annotations

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from ganzoo.data.listing import missing
from ganzoo.errors import DataError
from ganzoo.utils.memory import machine_memory

Array = npt.NDArray[Any]
Header = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""


class ArrayStore(Protocol):
    """A file of arrays; each method raises DataError where the file is missing or damaged."""

    path: Path

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays; the one array of a file without names is called ''."""

    def header(self, name: str) -> Header:
        """Return shape and type of an array without reading it."""

    def array(self, name: str) -> Array:
        """Return an array in memory or mapped from disk, copy-on-write."""


class NumpyFile:
    """An ``.npy`` file, which is mapped, or an ``.npz`` file; nothing in them is ever unpickled.

    Raises:
        DataError: the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.suffix.lower() not in {".npy", ".npz"}:
            raise DataError(f"{path} must end in .npy or .npz")
        self._is_archive = path.suffix.lower() == ".npz"
        self._members: dict[str, int] = {"": 0}
        with self._reading():
            if self._is_archive:
                with zipfile.ZipFile(path) as archive:
                    members = archive.infolist()
                names = (each.filename.removesuffix(".npy") for each in members)
                self._members = dict(zip(names, [m.file_size for m in members], strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._members)

    def header(self, name: str) -> Header:
        """Return shape and type of an array without reading it."""
        with self._reading(name), self._open(name) as file:
            shape, dtype, begin = _header(file)
            size = self._members[name] if self._is_archive else self.path.stat().st_size
            needed = begin + math.prod(shape) * dtype.itemsize
            if needed > size:
                raise ValueError(f"it claims {needed:,} bytes, and has {size:,}")
            if self._is_archive and needed > machine_memory():
                raise ValueError(
                    f"it takes {needed:,} bytes, more than the memory of this machine; store it as"
                    " .npy, which is not read as a whole"
                )
        return shape, dtype

    def array(self, name: str) -> Array:
        """Return an array; that of an .npy file is mapped."""
        self.header(name)
        with self._reading(name):
            if not self._is_archive:
                return np.lib.format.open_memmap(self.path, mode="c")
            with self._open(name) as file:
                return np.lib.format.read_array(file, allow_pickle=False)

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        if not self._is_archive:
            with self.path.open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as member:
            yield member

    @contextmanager
    def _reading(self, name: str = "") -> Iterator[None]:
        """Turn what a missing or damaged file raises into one sentence."""
        place = f"in {name!r}, " if name else ""
        try:
            with warnings.catch_warnings(action="ignore"):  # headers of old versions of NumPy
                yield
        except FileNotFoundError:
            raise missing(self.path) from None
        except MemoryError:
            raise DataError(
                f"{self.path} cannot be read: {place}it needs more memory than there is"
            ) from None
        except DAMAGE as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            if "allow_pickle" in reason:
                reason = "it holds Python objects; store texts with .astype(str)"
            raise DataError(f"{self.path} cannot be read: {place}{reason}") from None


DAMAGE = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What damaged files raise."""


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Read a header; return shape, type, and where the numbers begin."""
    form = np.lib.format
    old = form.read_magic(file) == (1, 0)
    read = form.read_array_header_1_0 if old else form.read_array_header_2_0
    shape, _, dtype = read(file)
    if any(length < 0 for length in shape):
        raise ValueError(f"its shape {shape} has a negative length")
    if dtype.hasobject:
        raise ValueError("allow_pickle")
    return shape, dtype, file.tell()
