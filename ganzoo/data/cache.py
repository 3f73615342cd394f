"""The cache: samples that are decoded, features that are computed and weights that are downloaded once.

It lies in ``$GANZOO_CACHE``, or in the user's cache folder of the operating system, and may be deleted
at any time. A file in it is named after what its content depends on, so a changed source has another
name and an old file is never taken for a new one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import platformdirs
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ganzoo.data.array_store import DAMAGE as UNREADABLE
from ganzoo.errors import UsageError
from ganzoo.utils.files import atomic_file, naming, publish, write_atomically
from ganzoo.utils.hashing import content_hash
from ganzoo.utils.notes import note
from ganzoo.utils.progress import report

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # a module where there is one

Array = npt.NDArray[Any]
Kind = Literal["samples", "features", "weights", "unfinished"]


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

    Its kind is ``samples`` (decoded), ``features`` (of real samples), ``weights`` (downloaded) or
    ``unfinished`` (left by a process that was killed).
    """

    path: Path
    name: str
    kind: Kind
    size: int


_OWN_FILES: dict[Kind, tuple[str, str]] = {
    "features": ("features-*.safetensors", "features-[0-9a-f]{32}"),
    "samples": ("*.npy", ".+-[0-9a-f]{32}"),
    "unfinished": (".*.*", r"\..+\.(npy|safetensors|json)\.[0-9a-f]{32}"),
    "weights": ("weights/*.pth", ".+-[0-9a-f]{8,64}"),
}
"""Where each kind is, and its stem, which ends in a hash of the content or of what that depends on."""


def cached_files() -> list[CachedFile]:
    """Return the files in the cache, by name, but none that ganzoo did not write or writes just now."""
    folder = cache_folder()
    return [
        CachedFile(path, path.relative_to(folder).as_posix(), kind, path.stat().st_size)
        for kind, (pattern, stem) in _OWN_FILES.items()
        for path in sorted(folder.glob(pattern))
        if path.is_file() and re.fullmatch(stem, path.stem)
        if kind != "unfinished" or not _is_locked(path.with_suffix(".tmp"))
    ]


def fault_of(file: CachedFile) -> str | None:
    """Return what is wrong with a file, or None."""
    try:
        if file.kind == "samples":
            _content(file.path)
        elif file.kind == "unfinished":
            return "it was never finished"
        elif file.kind == "features" and _arrays_in(file.path.read_bytes(), None) is None:
            return "its content is not what was written"
        elif file.kind == "weights":
            expected = file.path.stem.rpartition("-")[2]
            digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
            if not digest.startswith(expected):
                return f"its SHA-256 begins with {digest[: len(expected)]}, not {expected}"
    except UNREADABLE as error:
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
    that writes the same array at the same time, never sees a part of one. Its content is checked
    against a hash whenever it is read. If the cache cannot be written, the array is kept in memory,
    with a warning.

    Args:
        name: what the content depends on, as a file name without suffix; end it in a hash of the
            source.
        shape: shape of the array.
        dtype: type of its elements.
        chunks: yields the array in pieces along its first axis; called only when it is needed.

    Returns:
        A copy-on-write memory map (writing to it does not change the file), or an array in memory.
    """
    return cached_rows(name, shape[1:], dtype, chunks, rows=shape[0])[0]


def cached_rows(
    name: str,
    row_shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    chunks: Callable[..., Iterable[Array]],
    facts: Callable[[], dict[str, Any]] = dict,
    *,
    rows: int | None,
    resumable: bool = False,
) -> tuple[Array, dict[str, Any]]:
    """Return an array and facts about it from the cache, as ``cached_array`` does.

    Args:
        name: as for ``cached_array``.
        row_shape: shape of a row.
        dtype: type of the elements.
        chunks: yields rows, a few at a time.
        facts: returns what is kept beside the rows, as JSON holds it; called after the last chunk, and
            after each if ``resumable``.
        rows: how many rows there are; None if only their chunks say so.
        resumable: whether ``chunks`` can go on where a process was stopped: it is then called with the
            number of rows that are there and the facts about them.
    """
    path, dtype = cache_folder() / f"{name}.npy", np.dtype(dtype)
    if path.exists():
        found = _verified(path, rows, row_shape, dtype)
        if found is not None:
            return found
        if not _is_older(path):
            note(f"{path} is damaged; it is written again")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = _unfinished(path) if resumable else None
        if unfinished is None:
            work = f"writing {path.name}; nothing is left of it"
            with _stopped_cleanly(work), atomic_file(path) as file:
                _lock(file)
                writing = _Writing(file, row_shape, dtype)
                writing.header()
                for chunk in chunks():
                    writing.add(chunk)
                writing.finish(facts())
        else:
            with _stopped_cleanly(f"writing {path.name}; it will continue from there"):
                _go_on(unfinished, path, chunks, row_shape, dtype, facts)
    except OSError as error:
        note(
            f"{path} cannot be written ({error.strerror or error}), so the data is decoded into"
            " memory; set GANZOO_CACHE to a folder that can be written"
        )
    else:
        return np.lib.format.open_memmap(path, mode="c"), facts()
    if rows is None:
        parts = [np.asarray(chunk, dtype) for chunk in chunks()]
        return np.concatenate([np.empty((0, *row_shape), dtype), *parts]), facts()
    array, begin = np.empty((rows, *row_shape), dtype), 0
    for chunk in chunks():
        array[begin : begin + len(chunk)] = chunk
        begin += len(chunk)
    return array, facts()


_MARK, _OLDER_MARK = b"ganzoo2\n", b"ganzoo1\n"
"""The last bytes of a cached array; before them stand 8 for the length of the JSON before those."""

_PIECE = 1 << 24  # bytes that are hashed at a time

_LARGE = 1 << 30  # bytes of a file whose hashing takes long enough for a report of progress


@dataclass
class _Writing:
    """An .npy file that is being written: its rows, and the hash of their content."""

    file: BinaryIO
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def header(self) -> None:
        """Write the header; NumPy leaves room for the first axis to grow."""
        shape = (self.rows, *self.row_shape)
        self.file.seek(0)
        np.lib.format.write_array_header_1_0(
            self.file, {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        )

    def add(self, chunk: Array) -> None:
        """Write some rows."""
        content = np.ascontiguousarray(chunk, self.dtype).data.cast("B")
        self.file.write(content)
        self.digest.update(content)
        self.rows += len(chunk)

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the number of rows, and after them the facts and the hash of all that."""
        end = self.file.tell()
        self.header()
        self.file.seek(end)
        self.digest.update(json.dumps(facts).encode())
        text = json.dumps({"sha256": self.digest.hexdigest(), "facts": facts}).encode()
        self.file.write(text + len(text).to_bytes(8, "little") + _MARK)
        self.file.truncate()

    def take(self, progress: Path) -> dict[str, Any] | None:
        """Keep the rows that a stopped process wrote, and return the facts about them.

        Return None, and keep none, where they are not those that it recorded.
        """
        try:
            known = json.loads(progress.read_bytes())
            self.rows = known["rows"]
            self.header()
            left = self.rows * math.prod(self.row_shape) * self.dtype.itemsize
            while left > 0:
                piece = self.file.read(min(_PIECE, left))
                if not piece:
                    break
                self.digest.update(piece)
                left -= len(piece)
            if self.rows and self.digest.hexdigest() == known["sha256"]:
                facts: dict[str, Any] = known["facts"]
                return facts
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing was recorded, or not by this version
        self.rows, self.digest = 0, hashlib.sha256()
        self.header()
        return None


def _unfinished(path: Path) -> BinaryIO | None:
    """Open and lock what a stopped process left of a file, or a new file in its place.

    Return None where another process writes it, or where files cannot be locked.
    """
    if fcntl is None:
        return None
    temporary = _temporary(path)
    file = open(  # noqa: SIM115 - closed when it has its name; pathlib takes no opener
        temporary, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_CREAT, 0o666)
    )
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), temporary.stat()):
            return file  # and not one that was given its own name meanwhile
    file.close()
    return None


def _temporary(path: Path) -> Path:
    """Return the name of a file that can be finished later; a fixed one, so that it is found again."""
    return path.with_name(f".{path.name}.{'0' * 32}.tmp")


def _go_on(
    file: BinaryIO,
    path: Path,
    chunks: Callable[..., Iterable[Array]],
    row_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    facts: Callable[[], dict[str, Any]],
) -> None:
    """Write what is missing of a file, and record after each chunk how far it is and its hash.

    A process that is stopped leaves both; any other failure removes them.
    """
    temporary = _temporary(path)
    progress = temporary.with_suffix(".json")
    writing = _Writing(file, row_shape, dtype)
    with naming(path), file:
        try:
            kept = writing.take(progress)
            for chunk in chunks() if kept is None else chunks(writing.rows, kept):
                writing.add(chunk)
                file.flush()
                known = {"rows": writing.rows, "sha256": writing.digest.copy().hexdigest()}
                write_atomically(progress, json.dumps({**known, "facts": facts()}), durable=False)
            writing.finish(facts())
            publish(file, temporary, path)
        except Exception:  # while it is locked: another process may begin it anew
            temporary.unlink(missing_ok=True)
            progress.unlink(missing_ok=True)
            raise
    progress.unlink(missing_ok=True)


def _verified(
    path: Path, rows: int | None, row_shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[Array, dict[str, Any]] | None:
    """Map a file, or return None if its content is not what was written, or of another shape or type."""
    try:
        array, facts = _content(path)
    except UNREADABLE:
        return None
    right = array.shape[1:] == row_shape and array.dtype == dtype and rows in {None, len(array)}
    return (array, facts) if right else None


def _is_older(path: Path) -> bool:
    """Return whether an older version wrote a file: a whole array and nothing else, or another end."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
        if array.offset + array.nbytes == path.stat().st_size:
            return True
        with path.open("rb") as file:
            file.seek(-len(_OLDER_MARK), os.SEEK_END)
            return file.read() == _OLDER_MARK
    except UNREADABLE:
        return False


def _content(path: Path) -> tuple[Array, dict[str, Any]]:
    """Map a cached array and read its facts; raise ValueError where the hash says it is damaged."""
    array = np.lib.format.open_memmap(path, mode="c")
    end = array.offset + array.nbytes
    with path.open("rb") as file:
        file.seek(end)
        rest = file.read()
        text, length = rest[:-16], int.from_bytes(rest[-16:-8], "little")
        if not rest.endswith(_MARK) or length != len(text):
            raise ValueError("its end is missing")
        facts = json.loads(text)
        file.seek(array.offset)
        digest = hashlib.sha256()
        for begin in range(0, array.nbytes, _PIECE):
            if array.nbytes >= _LARGE:
                report(f"checking {path.name}", begin, array.nbytes)
            digest.update(file.read(min(_PIECE, array.nbytes - begin)))
        if array.nbytes >= _LARGE:
            report(f"checking {path.name}", array.nbytes, array.nbytes)
    digest.update(json.dumps(facts["facts"]).encode())
    if digest.hexdigest() != facts["sha256"]:
        raise ValueError("its content is not what was written")
    return array, facts["facts"]


@contextmanager
def _stopped_cleanly(work: str) -> Iterator[None]:
    """Turn SIGTERM into ``SystemExit``, so that what is half written is removed or can be finished."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(*_: object) -> None:
        note(f"stopped by SIGTERM while {work}")
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _lock(file: BinaryIO) -> None:
    """Lock a file until it is closed or its process ends, so that others know that it is in use."""
    if fcntl is not None:
        with suppress(OSError):  # some network folders cannot lock
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_locked(path: Path) -> bool:
    if fcntl is None:
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
