"""The cache: samples that are decoded, features that are computed and weights that are downloaded once.

It lies in ``$GANZOO_CACHE``, or in the user's cache folder of the operating system, and may be deleted
at any time. A file in it is named after what its content depends on, so a changed source has another
name and an old file is never taken for a new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import platformdirs
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ganzoo.errors import UsageError
from ganzoo.utils.files import atomic_file, write_atomically
from ganzoo.utils.hashing import content_hash

Array = npt.NDArray[Any]
Kind = Literal["samples", "features", "weights"]


def cache_folder() -> Path:
    """Return the folder of the cache; it need not exist yet.

    Raises:
        UsageError: it is in the user's home, and the user has none.
    """
    chosen = os.environ.get("GANZOO_CACHE")
    folder = Path(chosen) if chosen else platformdirs.user_cache_path("ganzoo")
    try:
        return folder.expanduser()
    except RuntimeError:
        raise UsageError(f"{folder}: this user has no home; set GANZOO_CACHE to a folder") from None


@dataclass(frozen=True)
class CachedFile:
    """A file in the cache: its path, its name within the cache, and its size in bytes.

    Its kind is ``samples`` (decoded), ``features`` (of real samples) or ``weights`` (downloaded).
    """

    path: Path
    name: str
    kind: Kind
    size: int


_OWN_FILES: dict[Kind, tuple[str, str]] = {
    "features": ("features-*.safetensors", "features-[0-9a-f]{32}"),
    "samples": ("*.npy", ".+-[0-9a-f]{32}"),
    "weights": ("weights/*.pth", ".+-[0-9a-f]{8,64}"),
}
"""Where each kind is, and its stem, which ends in a hash of the content or of what that depends on."""


def cached_files() -> list[CachedFile]:
    """Return the files in the cache, by name, without any that ganzoo did not write."""
    folder = cache_folder()
    return [
        CachedFile(path, path.relative_to(folder).as_posix(), kind, path.stat().st_size)
        for kind, (pattern, stem) in _OWN_FILES.items()
        for path in sorted(folder.glob(pattern))
        if path.is_file() and re.fullmatch(stem, path.stem)
    ]


def fault_of(file: CachedFile) -> str | None:
    """Return what is wrong with a file, or None: with the length of samples, or the hash of others."""
    try:
        if file.kind == "samples":
            np.lib.format.open_memmap(file.path, mode="r")
        elif file.kind == "features" and _arrays_in(file.path.read_bytes(), None) is None:
            return "its content is not what was written"
        elif file.kind == "weights":
            expected = file.path.stem.rpartition("-")[2]
            digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
            if not digest.startswith(expected):
                return f"its SHA-256 begins with {digest[: len(expected)]}, not {expected}"
    except (OSError, ValueError, EOFError) as error:
        return f"cannot be read: {error}"
    return None


def write_arrays(path: Path, arrays: Mapping[str, Array], key: Mapping[str, Any]) -> None:
    """Write arrays by name, with a hash of their content and the key that they depend on."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"key": json.dumps(key, sort_keys=True), "sha256": _content_hash(whole)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(whole, metadata=header), durable=False)


def read_arrays(path: Path, key: Mapping[str, Any]) -> dict[str, Array] | None:
    """Return the arrays of a file, or None if it is missing, damaged or of another key."""
    try:
        return _arrays_in(path.read_bytes(), key)
    except OSError:
        return None


def _arrays_in(content: bytes, key: Mapping[str, Any] | None) -> dict[str, Array] | None:
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        arrays: dict[str, Array] = load(content)
        whole = header["sha256"] == _content_hash(arrays)
        same = key is None or header["key"] == json.dumps(key, sort_keys=True)
    except (SafetensorError, KeyError, ValueError, TypeError):
        return None
    return arrays if whole and same else None


def _content_hash(arrays: Mapping[str, Array]) -> str:
    return content_hash(
        (repr((name, arrays[name].shape, str(arrays[name].dtype))), arrays[name])
        for name in sorted(arrays)
    )


def cached_array(
    name: str, shape: tuple[int, ...], dtype: npt.DTypeLike, chunks: Callable[[], Iterable[Array]]
) -> Array:
    """Return an array from the cache, writing it there if it is missing or damaged.

    It is written under a temporary name and then renamed, so that a reader, or a second process
    that writes the same array at the same time, never sees a part of one. If the cache cannot be
    written, the array is kept in memory, with a warning.

    Args:
        name: what the content depends on, as a file name without suffix; end it in a hash of the
            source.
        shape: shape of the array.
        dtype: type of its elements.
        chunks: yields the array in pieces along its first axis; called only when it is needed.

    Returns:
        A copy-on-write memory map (writing to it does not change the file), or an array in memory.
    """
    path, dtype = cache_folder() / f"{name}.npy", np.dtype(dtype)
    array = _read(path, shape, dtype)
    if array is not None:
        return array
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in chunks():
                file.write(np.ascontiguousarray(chunk, dtype).data)
    except OSError as error:
        warnings.warn(
            f"{path} cannot be written ({error.strerror or error}), so the data is decoded into"
            " memory; set GANZOO_CACHE to a folder that can be written",
            stacklevel=2,
        )
    else:
        array = _read(path, shape, dtype)
    if array is None:
        array, begin = np.empty(shape, dtype), 0
        for chunk in chunks():
            array[begin : begin + len(chunk)] = chunk
            begin += len(chunk)
    return array


def _read(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    """Map a file, or return None if it is missing, damaged, or of another shape or type."""
    try:
        array = np.lib.format.open_memmap(path, mode="c")
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == dtype else None
