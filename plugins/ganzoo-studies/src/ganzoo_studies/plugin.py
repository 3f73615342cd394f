"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo study`` and ``ganzoo sweep``."""
    yield Command("study", "ganzoo_studies.cli:study", "Train variants of a spec and compare them.")
    yield Command(
        "sweep", "ganzoo_studies.cli:sweep", "Train a spec with several values of fields."
    )
