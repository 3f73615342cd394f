"""The plugin: keeps ``report.html`` up to date while a run is trained. Nothing heavy is imported."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from ganzoo import Command, hookimpl
from ganzoo.runs import RunDirectory

SECONDS_BETWEEN = 60.0
"""A page is not written again sooner than this while a run is trained."""

FRACTION = 0.01
"""Of the time of training that writing pages may take."""


class Pace:
    """When a run's page was written, and how long that took; decides when it is due again."""

    def __init__(self, step: int) -> None:
        self.first_step = step
        self.started = self._written = time.monotonic()
        self._took = 0.0

    def is_due(self) -> bool:
        """Return whether enough time has passed since the page was written."""
        pause = max(SECONDS_BETWEEN, self._took / FRACTION)
        return time.monotonic() - self._written >= pause

    def write(self, run: RunDirectory, step: int, total_steps: int | None, *, last: bool) -> None:
        """Write the page, and note how long it took, also where it fails."""
        from ganzoo_report.page import Progress, write_report

        began = time.monotonic()
        try:
            finished = last and step == total_steps
            trained = began - self.started
            progress = Progress(step, total_steps, finished=finished)
            # What is opened for nearest training images takes a second or so.
            write_report(run, progress, neighbours=last and trained * FRACTION > 1, cautious=True)
        finally:
            self._written = time.monotonic()
            self._took = self._written - began


_paces: dict[Path, Pace] = {}
"""Of the runs that are being trained in this process."""


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo report``."""
    yield Command("report", "ganzoo_report.cli:report", "Write a run, or several, as one page.")


@hookimpl
def ganzoo_run_started(run: RunDirectory, step: int) -> None:
    """Start the clock."""
    _paces[run.path] = Pace(step)


@hookimpl
def ganzoo_samples_saved(run: RunDirectory, step: int) -> None:
    """Write the page with the new grid, if it is due."""
    _write_if_due(run, step)


@hookimpl
def ganzoo_evaluated(run: RunDirectory, step: int) -> None:
    """Write the page with the new numbers, if it is due."""
    _write_if_due(run, step)


@hookimpl
def ganzoo_run_finished(run: RunDirectory, step: int, total_steps: int) -> None:
    """Write the last page, unless the run was complete and has one."""
    from ganzoo_report.page import REPORT

    pace = _paces.pop(run.path, None) or Pace(0)
    if step > pace.first_step or not (run.path / REPORT).exists():
        pace.write(run, step, total_steps, last=True)


def _write_if_due(run: RunDirectory, step: int) -> None:
    pace = _paces.get(run.path)  # none for the grid of step 0: no step has been taken
    if pace is not None and pace.is_due():
        pace.write(run, step, None, last=False)
