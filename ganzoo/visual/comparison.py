"""A plot of evaluated runs side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import UsageError
from ganzoo.evaluation.compare import Column, Comparison, Row
from ganzoo.runs.report import Value
from ganzoo.utils.images import save_figure
from ganzoo.utils.text import figure_text
from ganzoo.visual.curves import plain_panel, title_of, use_log_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT, REAL = "#1f77b4", "#4c8c4a"


def comparison_figure(comparison: Comparison) -> Figure:
    """Plot a panel for each row: a dot with its spread for each column, and the baseline."""
    from matplotlib.figure import Figure

    rows = [
        row for row in comparison.rows if any(_number(each, row) for each in comparison.columns)
    ]
    if not rows:
        raise UsageError("there are no numbers to plot")
    columns = [column for column in comparison.columns if any(_number(column, row) for row in rows)]
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    height = 1.1 + 0.32 * len(columns)
    figure = Figure(figsize=(2.2 + 2.9 * across, 0.3 + height * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for panel, row in zip(panels, rows, strict=False):
        _draw(panel, columns, row, legend=row is rows[0])
    for panel in panels[len(rows) :]:
        panel.set_visible(False)
    return figure


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the plot in the format of the file's suffix, as ``save_figure`` does."""
    save_figure(comparison_figure(comparison), path)


def _number(column: Column, row: Row) -> Value | None:
    """Return the value of a column in a row, if it is a number."""
    value = column.value(row)
    return None if value is None or value.mean is None else value


def _draw(panel: Axes, columns: Sequence[Column], row: Row, *, legend: bool) -> None:
    baselines, means = set(), []
    for place, column in enumerate(columns):
        value = _number(column, row)
        if value is None or value.mean is None:
            continue
        means.append(value.mean)
        panel.errorbar(value.mean, place, xerr=value.std, fmt="o", color=DOT, capsize=3, ms=5)
        if value.baseline_value is not None:
            baselines.add(value.baseline_value)
    for each in baselines:
        panel.axvline(each, color=REAL, linestyle="--", linewidth=1, label="real samples")
    titles = [figure_text("\n".join(textwrap.wrap(each.title, 28))) for each in columns]
    panel.set_yticks(range(len(columns)), titles, fontsize="small")
    panel.set_ylim(len(columns) - 0.5, -0.5)
    panel.set_title(title_of(row.title, row.better), fontsize="small")
    plain_panel(panel, axis="x")
    panel.margins(x=0.15)
    panel.locator_params(axis="x", nbins=4)
    panel.tick_params(axis="x", labelsize="small")
    use_log_axis(panel, "x", [*means, *baselines])
    if legend and baselines:
        panel.figure.legend(
            *panel.get_legend_handles_labels(),
            loc="outside lower right",
            frameon=False,
            fontsize="small",
        )
