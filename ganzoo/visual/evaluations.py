"""A plot of the evaluations during training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.runs.history import History
from ganzoo.utils.images import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, REAL, BEST = "#1f77b4", "#4c8c4a", "#d95f02"
PANELS_ACROSS = 3


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
        _draw(panel, history, name)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    for panel in panels[max(0, len(names) - across) : len(names)]:
        panel.set_xlabel("step")
        panel.tick_params(labelbottom=True)
    return figure


def save_evaluations(history: History, path: Path) -> None:
    """Write the plot as PNG."""
    save_figure(evaluations_figure(history), path, dpi=120)


def _draw(panel: Axes, history: History, name: str) -> None:
    points = [
        (point.step, value.mean, value)
        for point in history.points
        for value in point.report.values
        if value.name == name and value.mean is not None
    ]
    panel.set_title(name, fontsize="small")
    panel.grid(visible=True, color="0.92")
    panel.spines[["top", "right"]].set_visible(False)
    if not points:
        return
    steps, means, values = zip(*points, strict=True)
    panel.plot(steps, means, color=LINE, marker="o", markersize=3, linewidth=1.2)
    baseline = values[-1].baseline_value
    if baseline is not None:
        panel.axhline(baseline, color=REAL, linestyle="--", linewidth=1, label="real samples")
    best = history.best
    if best is not None and best.step in steps:
        at = steps.index(best.step)
        panel.plot([steps[at]], [means[at]], "o", color=BEST, markersize=6, label="best checkpoint")
    if min(means) > 0 and max(means) > 50 * min(means):
        panel.set_yscale("log")
    if name == history.points[-1].report.values[0].name:
        panel.legend(frameon=False, fontsize="x-small")
