"""A plot of evaluated runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import UsageError
from ganzoo.evaluation.compare import Comparison, Row
from ganzoo.utils.images import save_figure
from ganzoo.utils.text import figure_text
from ganzoo.visual.curves import plain_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT, REAL = "#1f77b4", "#4c8c4a"


def comparison_figure(comparison: Comparison) -> Figure:
    """Plot a panel for each row: a dot with its spread for each column, and the baseline."""
    from matplotlib.figure import Figure

    rows = [
        row
        for row in comparison.rows
        if any((value := each.value(row)) and value.mean is not None for each in comparison.columns)
    ]
    if not rows:
        raise UsageError("there are no numbers to plot")
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    height = 1.1 + 0.32 * len(comparison.columns)
    figure = Figure(figsize=(2.2 + 2.9 * across, 0.3 + height * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for panel, row in zip(panels, rows, strict=False):
        _draw(panel, comparison, row)
    for panel in panels[len(rows) :]:
        panel.set_visible(False)
    return figure


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the plot in the format of the file's suffix, as ``save_figure`` does."""
    save_figure(comparison_figure(comparison), path)


def _draw(panel: Axes, comparison: Comparison, row: Row) -> None:
    baselines = set()
    for place, column in enumerate(comparison.columns):
        value = column.value(row)
        if value is None or value.mean is None:
            continue
        panel.errorbar(value.mean, place, xerr=value.std, fmt="o", color=DOT, capsize=3, ms=5)
        if value.baseline_value is not None:
            baselines.add(value.baseline_value)
    for each in baselines:
        panel.axvline(each, color=REAL, linestyle="--", linewidth=1, label="real samples")
    if row is comparison.rows[0] and baselines:
        panel.legend(frameon=False, fontsize="x-small")
    titles = [figure_text(each.title) for each in comparison.columns]
    panel.set_yticks(range(len(comparison.columns)), titles)
    panel.set_ylim(len(comparison.columns) - 0.5, -0.5)
    better = "" if row.better is None else f"\n({row.better} is better)"
    panel.set_title(f"{figure_text(row.title)}{better}", fontsize="x-small")
    plain_panel(panel, axis="x")
    panel.margins(x=0.15)
