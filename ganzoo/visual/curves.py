"""Curves of what a run logged and of its evaluations during training."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ganzoo.errors import UsageError
from ganzoo.runs import RunDirectory
from ganzoo.runs.history import History
from ganzoo.utils.images import save_figure
from ganzoo.utils.text import figure_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]
Per = Literal["step", "epoch"]

VALUE, BASELINE, BEST = "#1f77b4", "#4c8c4a", "#d95f02"
PANELS_ACROSS = 3
LOG_FROM = 30  # values with a largest this many times the smallest are on a logarithmic axis
SMOOTHED_FROM = 60
"""From this many rows on, a running mean is drawn over the values."""

PANELS = {"loss/": "loss", "score/": "mean score of D"}
"""The names that are drawn together, by what they begin with, and what their axis is called."""

LINES = {
    "loss/discriminator": ("discriminator", "#1f77b4"),
    "loss/generator": ("generator", "#d95f02"),
    "score/real": ("real samples", "#4c8c4a"),
    "score/fake": ("generated samples", "#8e5ea2"),
}
"""Labels and colours of the numbers that most algorithms log; others have their names."""


def loss_figure(metrics: Sequence[Row], *, per: Per = "step", title: str = "") -> Figure:
    """Draw the losses in rows of metrics.jsonl and, below, mean scores of real and generated samples.

    Every row is drawn, or the mean of the rows of each epoch; without losses it is a ``UsageError``.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    logged = dict.fromkeys([*LINES, *(name for row in metrics for name in row)])
    present = [name for name in logged if any(name in row for row in metrics)]
    starts = [start for start in PANELS if any(name.startswith(start) for name in present)]
    if "loss/" not in starts:
        raise UsageError("no losses to plot: the run has not logged any yet")
    figure = Figure(figsize=(8, 1 + 2.6 * len(starts)), layout="constrained")
    axes = figure.subplots(len(starts), 1, sharex=True, squeeze=False)[:, 0]
    for panel, start in zip(axes, starts, strict=True):
        for index, name in enumerate(name for name in present if name.startswith(start)):
            text, color = LINES.get(name, (figure_text(name.partition("/")[2]), f"C{index}"))
            _draw(panel, *_series(metrics, name, per), text, color)
        panel.set_ylabel(PANELS[start])
        plain_panel(panel)
        panel.legend(frameon=False, loc="best")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes[-1].set_xlabel(per)
    axes[-1].margins(x=0.01)
    if title:
        figure.suptitle(figure_text(title), fontsize="medium")
    return figure


def losses_title(run: RunDirectory) -> str:
    """Return the title of the losses of a run: its name, and where those before its own are."""
    origin, name = run.origin(), run.path.resolve().name
    if origin.get("kind") != "branch":
        return name
    return f"{name}, branched from {Path(origin['run']).name} at step {origin['step']:,}"


def save_losses(metrics: Sequence[Row], path: Path, *, per: Per = "step", title: str = "") -> None:
    """Write the figure of ``loss_figure`` in the format of the path's suffix (PNG, SVG, PDF)."""
    save_figure(loss_figure(metrics, per=per, title=title), path)


def title_of(name: str, better: str | None, *, width: int = 30) -> str:
    """Return the title of a quantity, in lines, with an arrow to the end that is better."""
    arrow = {"lower": " ↓", "higher": " ↑"}.get(better or "", "")
    return figure_text("\n".join(textwrap.wrap(name, width))) + arrow


def use_log_axis(panel: Axes, axis: Literal["x", "y"], values: Sequence[float]) -> None:
    """Make an axis logarithmic where positive values span decades, with ticks that can be read."""
    if not values or min(values) <= 0 or max(values) <= LOG_FROM * min(values):
        return
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    panel.set(**{f"{axis}scale": "log"})
    ticks = panel.xaxis if axis == "x" else panel.yaxis
    subs = (1.0,) if max(values) > 1000 * min(values) else (1.0, 3.0)
    ticks.set_major_locator(LogLocator(subs=subs, numticks=8))
    ticks.set_major_formatter(StrMethodFormatter("{x:g}"))
    ticks.set_minor_formatter(NullFormatter())


def plain_panel(panel: Axes, axis: Literal["both", "x"] = "both") -> None:
    """Draw a faint grid, and no frame above and to the right."""
    panel.grid(visible=True, axis=axis, color="0.92")
    panel.spines[["top", "right"]].set_visible(False)


def _series(metrics: Sequence[Row], key: str, per: Per) -> tuple[Floats, Floats]:
    """Return the positions and values of one curve."""
    rows = [row for row in metrics if key in row]
    values = np.array([row[key] for row in rows], dtype=np.float64)
    if per == "step":
        return np.array([row["step"] for row in rows], dtype=np.float64), values
    epochs = np.array([max(1, math.ceil(row["epoch"])) for row in rows], dtype=np.float64)
    places = np.unique(epochs)
    return places, np.array([values[epochs == place].mean() for place in places])


def _draw(panel: Axes, places: Floats, values: Floats, name: str, color: str) -> None:
    """Draw values; if there are many, draw them faintly under their running mean."""
    if len(values) < SMOOTHED_FROM:
        marker = "o" if len(values) < 30 else ""
        panel.plot(places, values, color=color, label=name, marker=marker, ms=3)
        return
    panel.plot(places, values, color=color, alpha=0.25, linewidth=0.8)
    half = len(values) // 50
    sums = np.concatenate([[0.0], np.cumsum(values)])
    begin = np.maximum(np.arange(len(values)) - half, 0)
    end = np.minimum(np.arange(len(values)) + half + 1, len(values))
    panel.plot(places, (sums[end] - sums[begin]) / (end - begin), color=color, label=name)


def evaluations_figure(history: History) -> Figure:
    """Plot a panel for each quantity: its values by step, its baseline, and the best checkpoint."""
    from matplotlib.figure import Figure

    newest = history.newest
    names = [] if newest is None else [value.name for value in newest.report.values]
    across = max(1, min(PANELS_ACROSS, len(names)))
    down = max(1, -(-len(names) // across))
    figure = Figure(figsize=(3.1 * across + 0.6, 2.4 * down), layout="constrained")
    panels = list(figure.subplots(down, across, sharex=True, squeeze=False).flat)
    for panel, name in zip(panels, names, strict=False):
        _draw_evaluations(panel, history, name)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    for panel in panels[max(0, len(names) - across) : len(names)]:
        panel.set_xlabel("step")
        panel.tick_params(labelbottom=True)
    return figure


def _draw_evaluations(panel: Axes, history: History, name: str) -> None:
    points = [
        (point.step, value.mean, value)
        for point in history.points
        for value in point.report.values
        if value.name == name and value.mean is not None
    ]
    (newest,) = (each for each in history.points[-1].report.values if each.name == name)
    panel.set_title(title_of(name, newest.better), fontsize="small")
    plain_panel(panel)
    if not points:
        panel.text(0.5, 0.5, "not measured", transform=panel.transAxes, ha="center", color="0.5")
        panel.tick_params(labelleft=False, left=False)
        return
    steps, means, values = zip(*points, strict=True)
    panel.plot(steps, means, color=VALUE, marker="o", markersize=3, linewidth=1.2)
    baseline = values[-1].baseline_value
    if baseline is not None:
        panel.axhline(baseline, color=BASELINE, linestyle="--", linewidth=1, label="real samples")
    best = history.best
    if best is not None and best.step in steps:
        at = steps.index(best.step)
        panel.plot([steps[at]], [means[at]], "o", color=BEST, markersize=6, label="best checkpoint")
    use_log_axis(panel, "y", [*means, *([] if baseline is None else [baseline])])
    if name == history.points[-1].report.values[0].name:
        panel.legend(frameon=False, fontsize="x-small")
