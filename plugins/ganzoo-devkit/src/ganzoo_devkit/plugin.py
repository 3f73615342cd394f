"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo plugins new``."""
    yield Command("plugins new", "ganzoo_devkit.cli:new", "Create a new plugin package.")
