"""A plot of evaluated runs side by side."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import UsageError
from ganzoo.evaluation.comparison import Comparison, Line
from ganzoo.utils.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT, FLOOR = "#1f77b4", "#4c8c4a"


def comparison_figure(comparison: Comparison) -> Figure:
    """Draw a panel for each line: a dot with its spread for each that was judged, and the floor.

    Raises:
        UsageError: there are no numbers.
    """
    from matplotlib.figure import Figure

    lines = [
        line
        for line in comparison.lines
        if any((value := one.value(line)) and value.mean is not None for one in comparison.judged)
    ]
    if not lines:
        raise UsageError("there are no numbers to plot")
    across = min(3, len(lines))
    down = -(-len(lines) // across)
    height = 1.1 + 0.32 * len(comparison.judged)
    figure = Figure(figsize=(2.2 + 2.9 * across, 0.3 + height * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for panel, line in zip(panels, lines, strict=False):
        _draw(panel, comparison, line)
    for panel in panels[len(lines) :]:
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


def _draw(panel: Axes, comparison: Comparison, line: Line) -> None:
    floors = set()
    for place, one in enumerate(comparison.judged):
        value = one.value(line)
        if value is None or value.mean is None:
            continue
        panel.errorbar(value.mean, place, xerr=value.std, fmt="o", color=DOT, capsize=3, ms=5)
        if value.floor is not None and value.floor.value is not None:
            floors.add(value.floor.value)
    for floor in floors:
        panel.axvline(floor, color=FLOOR, linestyle="--", linewidth=1, label="real samples")
    if line is comparison.lines[0] and floors:
        panel.legend(frameon=False, fontsize="x-small")
    panel.set_yticks(range(len(comparison.judged)), [one.title for one in comparison.judged])
    panel.set_ylim(len(comparison.judged) - 0.5, -0.5)
    better = "" if line.better is None else f"\n({line.better} is better)"
    panel.set_title(f"{line.title}{better}", fontsize="x-small")
    panel.grid(visible=True, axis="x", color="0.92")
    panel.spines[["top", "right"]].set_visible(False)
    panel.margins(x=0.15)
