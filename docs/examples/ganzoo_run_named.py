"""A plugin that gives runs of a shared folder short names: ``ganzoo sample team:faces``."""

from __future__ import annotations

from pathlib import Path

from ganzoo import hookimpl
from ganzoo.errors import RunError

SHARED = Path("/srv/gans")


@hookimpl
def ganzoo_run_named(name: str) -> Path | None:
    """Return a run of the shared folder, and nothing for names with another prefix."""
    prefix, _, short = name.partition(":")
    if prefix != "team":
        return None
    path = SHARED / short
    if not path.is_dir():
        raise RunError(f"{name}: is not a run in {SHARED}")
    return path
