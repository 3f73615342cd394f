"""Atomic writing of files."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write a file so that, after a crash, it is either complete or unchanged.

    Args:
        path: the file.
        content: its new content.
        durable: whether to wait until the disk has stored it, so that it survives a power failure.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable and os.name == "posix":
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # the new name itself
            finally:
                os.close(directory)
    finally:
        temporary.unlink(missing_ok=True)
