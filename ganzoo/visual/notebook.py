"""What a notebook shows of runs: a line and a grid while one trains, and a run as HTML."""

from __future__ import annotations

import importlib
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.runs.report import read_report, values_html

SECONDS_BETWEEN_UPDATES = 1.0
LARGEST_PICTURE = 2 * 2**20
"""Bytes of a picture that is shown; a notebook keeps a copy of each."""


def live_display() -> list[LiveDisplay]:
    """Return a listener that shows progress in the notebook that calls this; none elsewhere."""
    module: Any = sys.modules.get("IPython")  # imported already in a notebook
    shell = None if module is None else module.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return []
    return [LiveDisplay(importlib.import_module("IPython.display"))]


class LiveDisplay:
    """Shows a progress line, the newest losses and the newest grid, redrawn in place.

    ``display`` is the module ``IPython.display``.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None
        self._numbers: Mapping[str, float] = {}
        self._updated = 0.0

    @hookimpl
    def ganzoo_run_started(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Show the beginning."""
        self._show(run, step, total_steps, now=True)

    @hookimpl
    def ganzoo_step_finished(
        self, run: RunDirectory, step: int, total_steps: int, metrics: Mapping[str, float]
    ) -> None:
        """Show the newest losses."""
        self._numbers = metrics
        self._show(run, step, total_steps)

    @hookimpl
    def ganzoo_run_finished(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Show the end, without the grid, which the run itself shows."""
        self._show(run, step, total_steps, now=True, grid=False)

    def _show(
        self, run: RunDirectory, step: int, total: int, *, now: bool = False, grid: bool = True
    ) -> None:
        if not now and time.monotonic() - self._updated < SECONDS_BETWEEN_UPDATES:
            return
        self._updated = time.monotonic()
        losses = [
            f"{name.removeprefix('loss/')} {value:.3f}"
            for name, value in self._numbers.items()
            if name.startswith("loss/")
        ]
        words = "  ".join([f"step {step} of {total}", *losses])
        bar = f'<progress value="{step}" max="{total}"></progress>'
        parts = [f"<div>{bar} <b>{escape(run.path.name)}</b> {escape(words)}</div>"]
        content = self._display.HTML("".join(parts + ([newest_grid(run)] if grid else [])))
        if self._handle is None:
            self._handle = self._display.display(content, display_id=True)
        else:
            self._handle.update(content)


def run_html(run: RunDirectory) -> str:
    """Return a run as HTML: its name, how far it is trained, its newest grid and its scores."""
    path = run.path
    title = f"<b>{escape(path.name)}</b>"
    try:
        rows = run.metrics()
        title += f": {rows[-1]['step'] if rows else 0:,} steps trained"
        title += f"; its duration is {escape(str(run.spec.training.duration))}"
        reports = [*run.reports()[-1:], *list(run.training_reports().values())[-1:]]
        scores = values_html(read_report(reports[0]).values) if reports else ""
    except GanzooError as error:  # a run that cannot be used now can still be shown
        scores = f"<div>{escape(str(error))}</div>"
    return f"<div>{title}<br><code>{escape(str(path))}</code></div>{newest_grid(run)}{scores}"


def newest_grid(run: RunDirectory) -> str:
    """Return the newest grid of samples as HTML, in full; empty where there is none."""
    grids = run.sample_grids()
    if not grids:
        return ""
    path, content = grids[-1], grids[-1].read_bytes()
    if len(content) > LARGEST_PICTURE:
        return f"<div><code>{escape(str(path))}</code></div>"
    data = b64encode(content).decode()
    return f'<img alt="{escape(path.name)}" src="data:image/png;base64,{data}">'
