"""A plot of evaluated runs side by side."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import UsageError
from ganzoo.evaluation.comparison import Column, Comparison
from ganzoo.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT, FLOOR = "#1f77b4", "#4c8c4a"


def comparison_figure(comparison: Comparison) -> Figure:
    """Draw a panel for each column: a dot with its spread for each row, and the floor.

    Raises:
        UsageError: there are no numbers.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - costs half a second

    columns = [
        column
        for column in comparison.columns
        if any((value := row.value(column)) and value.mean is not None for row in comparison.rows)
    ]
    if not columns:
        raise UsageError("there are no numbers to plot")
    across = min(3, len(columns))
    down = -(-len(columns) // across)
    height = 0.9 + 0.32 * len(comparison.rows)
    figure = Figure(figsize=(2.2 + 2.9 * across, 0.3 + height * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
    for panel, column in zip(panels, columns, strict=False):
        _draw(panel, comparison, column)
    for panel in list(panels)[len(columns) :]:
        panel.set_visible(False)
    return figure


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the plot in the format its name ends in.

    Raises:
        UsageError: there are no numbers, or matplotlib writes no such format.
    """
    figure = comparison_figure(comparison)
    formats = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lstrip(".").lower()
    if kind not in formats:
        raise UsageError(f"{path}: name a figure, such as {path.stem or 'comparison'}.png")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150)
    write_atomically(path, buffer.getvalue(), durable=False)


def _draw(panel: Axes, comparison: Comparison, column: Column) -> None:
    floors = set()
    for place, row in enumerate(comparison.rows):
        value = row.value(column)
        if value is None or value.mean is None:
            continue
        panel.errorbar(value.mean, place, xerr=value.std, fmt="o", color=DOT, capsize=3, ms=5)
        if value.floor is not None and value.floor.value is not None:
            floors.add(value.floor.value)
    for floor in floors:
        panel.axvline(floor, color=FLOOR, linestyle="--", linewidth=1)
    panel.set_yticks(range(len(comparison.rows)), [row.title for row in comparison.rows])
    panel.set_ylim(len(comparison.rows) - 0.5, -0.5)
    better = "" if column.better is None else f"  ({column.better} is better)"
    panel.set_title(f"{column.title}{better}", fontsize="small")
    panel.grid(visible=True, axis="x", color="0.92")
    panel.spines[["top", "right"]].set_visible(False)
    panel.margins(x=0.15)
