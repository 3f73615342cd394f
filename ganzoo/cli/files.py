"""Files that commands write: never over what is there, unless --force says so."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import click

from ganzoo.errors import UsageError

force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")


def free_path(stem: str, *endings: str) -> Path:
    """Return ``stem`` with the first ending, numbered (``stem-2``, …) where any ending exists."""
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    free = next(
        name for name in numbered if not any(Path(name + ending).exists() for ending in endings)
    )
    return Path(free + endings[0])


def check_outputs(*paths: Path, force: bool, option: str = "-o") -> None:
    """Make sure that files can be written, before any work is done for them.

    Raises:
        UsageError: one exists and ``force`` is not set, or its folder does not.
    """
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file")
        if path.exists() and not force:
            raise UsageError(f"{path}: exists already; name another with {option}, or add --force")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
