"""A plugin that leaves a mark for the program that waits for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_run_finished(run: RunDirectory, step: int, completed: bool) -> None:
    """Write the run's ``finished.txt``, unless it was stopped before its end."""
    if completed:
        (run.path / "finished.txt").write_text(f"{step} steps\n", encoding="utf-8")
