"""The plugin: follows runs where the environment asks for it. Nothing heavy is imported before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory
    from ganzoo_tensorboard.events import EventLog

VARIABLE = "GANZOO_TENSORBOARD"

_logs: dict[Path, EventLog] = {}
"""Of the runs that are being trained in this process."""


@hookimpl
def ganzoo_run_started(run: RunDirectory, step: int, total_steps: int) -> None:
    """Open the log, unless the first grid of samples did or there is no step to take."""
    if step < total_steps:
        _log_of(run, step)


@hookimpl
def ganzoo_step_finished(run: RunDirectory, step: int, metrics: Mapping[str, float]) -> None:
    """Write a scalar for each number."""
    if log := _logs.get(run.path):
        log.write_scalars(metrics, step)


@hookimpl
def ganzoo_evaluated(run: RunDirectory, step: int, values: Mapping[str, float]) -> None:
    """Write a scalar for each number that could be measured."""
    if log := _logs.get(run.path):
        log.write_scalars({f"evaluation/{name}": value for name, value in values.items()}, step)


@hookimpl
def ganzoo_samples_saved(run: RunDirectory, step: int, path: Path) -> None:
    """Write the grid; that of step 0 is saved before the run is said to have started."""
    if log := _log_of(run, step):
        log.write_image("samples", path, step)


@hookimpl
def ganzoo_checkpoint_saved(run: RunDirectory) -> None:
    """Put on disk what a run that is resumed from this checkpoint will not write again."""
    if log := _logs.get(run.path):
        log.flush()


@hookimpl
def ganzoo_run_finished(run: RunDirectory, completed: bool) -> None:
    """Close the log."""
    if log := _logs.pop(run.path, None):
        log.close(completed=completed)


def _log_of(run: RunDirectory, step: int) -> EventLog | None:
    """Return the log of a run, opened at its first event, or None where none is asked for."""
    if run.path not in _logs and _wanted():
        from ganzoo_tensorboard.events import EventLog

        _logs[run.path] = EventLog(run.path / "tensorboard", run.spec, step)
    return _logs.get(run.path)


def _wanted() -> bool:
    value = os.environ.get(VARIABLE, "")
    if value not in {"", "0", "1"}:
        raise ValueError(f"{VARIABLE} must be 1 or 0, not {value!r}")
    return value == "1"
