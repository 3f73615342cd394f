"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo explore``."""
    yield Command("explore", "ganzoo_explorer.cli:explore", "Play with a generator on a page.")
