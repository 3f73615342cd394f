"""Atomic writing of files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ganzoo.errors import RunError


def expanded(text: str | Path) -> Path:
    """Return a path with the home it begins with; that of a user who has none stays as it is."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's own raises there


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an ``OSError`` name this path: those of writing, as on a full disk, name none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file under a temporary name, and give it its own when all is written without an error.

    A reader never sees a part of it. ``durable`` waits until the disk has stored it, so that it survives
    a power failure.

    Raises:
        OSError: it cannot be written; names the path.
    """
    if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe
        with naming(path), path.open("wb") as file:
            yield file
        return
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with naming(path):
        try:
            with temporary.open("xb") as file:
                yield file
                publish(file, temporary, path, durable=durable)
        finally:
            temporary.unlink(missing_ok=True)


def publish(file: BinaryIO, temporary: Path, path: Path, *, durable: bool = True) -> None:
    """Give a file that is written under a temporary name its own, and close it."""
    if durable:
        file.flush()
        os.fsync(file.fileno())
    file.close()  # first: not every system renames an open file
    temporary.replace(path)
    if durable and os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # the new name itself
        finally:
            os.close(directory)


def write_atomically(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write a file so that, after a crash, it is either complete or unchanged."""
    # Names of files and of classes may hold bytes that are no text: they are written as escapes.
    raw = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with atomic_file(path, durable=durable) as file:
        file.write(raw)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, or nothing where the disk is full."""
    with naming(path), path.open("ab", buffering=0) as file:
        begin, content = file.tell(), f"{line}\n".encode()
        try:
            written = 0
            while written < len(content):  # what is left over raises an error when it is written
                written += file.write(content[written:])
        except OSError:
            file.truncate(begin)
            raise


def remove_leftovers(*folders: Path) -> None:
    """Delete the temporary files that killed processes left in folders."""
    for folder in folders:
        for path in folder.glob(".*.tmp"):
            if not path.is_dir():
                path.unlink(missing_ok=True)


def put_aside(path: Path) -> Path:
    """Rename a damaged file, and return where it is now."""
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    return path.rename(aside)


def refuse_links(*paths: Path) -> None:
    """Raise ``RunError`` where a path that is going to be written is a link."""
    for path in paths:
        if path.is_symlink():
            raise RunError(
                f"{path}: is a link, and a run changes nothing outside its directory; put what it"
                " links to in its place"
            )


def refuse_pipes(*folders: Path) -> None:
    """Raise ``RunError`` for what has no end, such as a pipe, in place of a file that will be read."""
    for folder in filter(Path.is_dir, folders):
        with os.scandir(folder) as found:
            for each in found:
                if not each.is_file() and not each.is_dir() and Path(each).exists():
                    raise RunError(f"{each.path}: is neither a file nor a folder; remove it")
