"""A plugin that notes which machine trains; a resumed run may have moved to another."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_run_started(run: RunDirectory, step: int, total_steps: int) -> None:
    """Add a line to the run's ``machines.txt``."""
    with (run.path / "machines.txt").open("a", encoding="utf-8") as file:
        file.write(f"{platform.node()} from step {step} of {total_steps}\n")
