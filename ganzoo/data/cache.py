"""Arrays that are decoded once and then mapped from disk.

The cache lies in ``$GANZOO_CACHE``, or in the user's cache folder of the operating system. It may
be deleted at any time. A file in it is named after what its content depends on, so a changed source
has another name and an old file is never taken for a new one.
"""

from __future__ import annotations

import os
import re
import uuid
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import platformdirs

Array = npt.NDArray[Any]


def cache_folder() -> Path:
    """Return the folder that what was made once is kept in; it need not exist yet."""
    chosen = os.environ.get("GANZOO_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("ganzoo")


@dataclass(frozen=True)
class CachedFile:
    """A file in the cache.

    Attributes:
        path: where it is.
        name: its path within the cache.
        kind: ``samples`` (decoded), ``features`` (of real samples) or ``weights`` (downloaded).
        size: its bytes.
    """

    path: Path
    name: str
    kind: Literal["samples", "features", "weights"]
    size: int


_OWN_NAME = {
    "features": re.compile(r"features-[0-9a-f]{32}"),
    "samples": re.compile(r".+-[0-9a-f]{32}"),
    "weights": re.compile(r".+-[0-9a-f]{8,64}"),
}
"""Names end in a hash of what the content depends on, or of the content."""


def cached_files() -> list[CachedFile]:
    """Return what is cached, by name; files that others put there are not listed."""
    folder = cache_folder()
    patterns: tuple[tuple[Literal["samples", "features", "weights"], str], ...] = (
        ("features", "features-*.safetensors"),
        ("samples", "*.npy"),
        ("weights", "weights/*.pth"),
    )
    return [
        CachedFile(path, path.relative_to(folder).as_posix(), kind, path.stat().st_size)
        for kind, pattern in patterns
        for path in sorted(folder.glob(pattern))
        if path.is_file() and _OWN_NAME[kind].fullmatch(path.stem)
    ]


def cached_array(
    name: str,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    chunks: Callable[[], Iterable[Array]],
) -> Array:
    """Return an array from the cache, making and keeping it where it is missing or damaged.

    It is written under a temporary name and then renamed, so that a reader, or a second process
    that makes the same array at the same time, never sees a part of one. Where the cache cannot be
    written the array is made in memory, with a warning.

    Args:
        name: what the content depends on, as a file name without suffix; end it in a hash of the
            source.
        shape: shape of the array.
        dtype: type of its elements.
        chunks: yields the array in pieces along its first axis; called only when it must be made.

    Returns:
        A copy-on-write memory map (writing to it does not change the file), or an array in memory.
    """
    path = cache_folder() / f"{name}.npy"
    array = _read(path, shape, np.dtype(dtype))
    if array is not None:
        return array
    try:
        _write(path, shape, np.dtype(dtype), chunks())
    except OSError as error:
        warnings.warn(
            f"{path} cannot be written ({error.strerror or error}), so the data is decoded into"
            " memory; set GANZOO_CACHE to a folder that can be written",
            stacklevel=2,
        )
    else:
        array = _read(path, shape, np.dtype(dtype))
    return _gather(shape, np.dtype(dtype), chunks()) if array is None else array


def _read(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    """Map a file, or return None where there is none, or not a whole one of this shape and type."""
    try:
        array = np.lib.format.open_memmap(path, mode="c")
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == dtype else None


def _write(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], chunks: Iterable[Array]
) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in chunks:
                file.write(np.ascontiguousarray(chunk, dtype).data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _gather(shape: tuple[int, ...], dtype: np.dtype[Any], chunks: Iterable[Array]) -> Array:
    """Make the array in memory."""
    array = np.empty(shape, dtype)
    begin = 0
    for chunk in chunks:
        array[begin : begin + len(chunk)] = chunk
        begin += len(chunk)
    return array
