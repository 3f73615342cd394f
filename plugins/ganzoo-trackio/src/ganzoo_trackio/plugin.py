"""The plugin: follows runs where the environment asks for it. Nothing heavy is imported before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory
    from ganzoo_trackio.tracking import TrackedRun

VARIABLE = "GANZOO_TRACKIO"

INSTALL = "install it with pip install trackio"

_runs: dict[Path, TrackedRun] = {}
"""Of the runs that are being trained in this process."""


@hookimpl
def ganzoo_run_started(run: RunDirectory, step: int, total_steps: int) -> None:
    """Begin, unless the first grid of samples did or there is no step to take."""
    if step < total_steps:
        _tracked(run)


@hookimpl
def ganzoo_step_finished(run: RunDirectory, step: int, metrics: Mapping[str, float]) -> None:
    """Log the numbers."""
    if tracked := _runs.get(run.path):
        tracked.log(metrics, step)


@hookimpl
def ganzoo_evaluated(run: RunDirectory, step: int, values: Mapping[str, float]) -> None:
    """Log each number that could be measured."""
    if tracked := _runs.get(run.path):
        tracked.log({f"evaluation/{name}": value for name, value in values.items()}, step)


@hookimpl
def ganzoo_samples_saved(run: RunDirectory, step: int, path: Path) -> None:
    """Log the grid; that of step 0 is saved before the run is said to have started."""
    if tracked := _tracked(run):
        tracked.add_grid(path, step)


@hookimpl
def ganzoo_run_finished(run: RunDirectory, completed: bool) -> None:
    """End the tracked run."""
    if tracked := _runs.pop(run.path, None):
        tracked.close(completed=completed)


def _tracked(run: RunDirectory) -> TrackedRun | None:
    """Return what follows a run, begun at its first event, or None where none is asked for."""
    if run.path not in _runs and _wanted():
        try:
            from ganzoo_trackio.tracking import TrackedRun
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] != "trackio":
                raise
            raise RuntimeError(
                f"{VARIABLE} is set, but Trackio is not installed; {INSTALL}"
            ) from None

        _runs[run.path] = TrackedRun(run)
    return _runs.get(run.path)


def _wanted() -> bool:
    value = os.environ.get(VARIABLE, "")
    if value not in {"", "0", "1"}:
        raise ValueError(f"{VARIABLE} must be 1 or 0, not {value!r}")
    return value == "1"
