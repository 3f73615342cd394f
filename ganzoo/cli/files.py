"""Files that commands write: never over what is there, unless --force says so."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import click

from ganzoo.errors import UsageError

force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")


def free_path(name: str) -> Path:
    """Return ``name``, or where that exists ``name-2``, ``name-3``, …, before its ending."""
    path = Path(name)
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return path if not path.exists() else next(each for each in numbered if not each.exists())


def check_outputs(*paths: Path, force: bool) -> None:
    """Make sure that files can be written, before any work is done for them.

    Raises:
        UsageError: one exists and ``force`` is not set, or its folder does not.
    """
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file")
        if path.exists() and not force:
            raise UsageError(f"{path}: exists already; name another with -o, or add --force")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
