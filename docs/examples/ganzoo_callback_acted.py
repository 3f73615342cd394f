"""A plugin that keeps what callbacks had to say, in a file to read in the morning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_callback_acted(run: RunDirectory, step: int, action: Mapping[str, Any]) -> None:
    """Add a line to ``actions.txt`` in the run's directory."""
    with (run.path / "actions.txt").open("a", encoding="utf-8") as file:
        file.write(f"{step}: {action['callback']} {action['action']}, {action['reason']}\n")
