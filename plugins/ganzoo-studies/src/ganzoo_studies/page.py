"""The page and the plot of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganzoo.utils.files import write_atomically
from ganzoo.utils.images import save_figure
from ganzoo.utils.text import figure_text, markdown
from ganzoo.visual.curves import plain_panel, title_of, use_log_axis
from ganzoo_studies.results import SECONDS, Quantity, Results, verdicts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL = "#4c8c4a"


def write_page(
    results: Results, path: Path, *, plot_name: str = "plot.png", remarks: Sequence[str] = ()
) -> None:
    """Write a study as Markdown with its plot: what was asked, the numbers, and what they say.

    ``remarks`` are paragraphs below the question.
    """
    study = results.study
    lines = [f"# {markdown(study.name.replace('-', ' ').capitalize())}", ""]
    for paragraph in filter(None, (study.description, *remarks)):
        lines += [paragraph, ""]
    plotted = [each for each in results.quantities if each.name != SECONDS]
    if plotted:
        plot = path.with_name(plot_name)
        save_figure(figure_of(plotted), plot, dpi=110)
        lines += [f"![{markdown(study.name)}: {_names(plotted)}]({plot.name})", ""]
    found = verdicts(results)
    lines += ["## What the numbers say", ""] if found else []
    lines += [*(f"- {markdown(each)}." for each in found), ""] if found else []
    lines += ["## Numbers", ""]
    seeds = len(study.all_seeds())
    lines += [
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}; median, worst, mean and standard deviation over"
        " them. p is the probability of such a difference to the first variant by chance (Welch's"
        " t-test, two-sided, not corrected for the number of comparisons).",
        "",
    ]
    for quantity in results.quantities:
        lines += [*table(quantity, seeds), ""]
    for variant, count in results.missing.items():
        lines.append(f"{count} of {seeds} runs of {markdown(variant)} did not finish.")
    write_atomically(path, "\n".join(lines).rstrip() + "\n")


def table(quantity: Quantity, seeds: int) -> list[str]:
    """Return one quantity as a Markdown table."""
    real = f"; real samples: {quantity.baseline:.4g}" if quantity.baseline is not None else ""
    end = f" ({quantity.better} is better{real})" if quantity.better else ""
    rows = [f"**{markdown(quantity.name)}**{end}", ""]
    rows += [
        "| variant | median | worst | mean | std | seeds | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant, cell in quantity.cells.items():
        is_first = variant == quantity.variants[0]
        probability = None if is_first else quantity.probability(variant)
        numbers = (cell.median, cell.worst(quantity.better), cell.mean, cell.std)
        words = ["" if each is None else f"{each:.4g}" for each in numbers]
        count = f"{len(cell.values)} of {seeds}"
        chance = "" if probability is None else f"{probability:.2g}"
        rows.append(f"| {' | '.join([markdown(variant), *words, count, chance])} |")
    return rows


def figure_of(quantities: Sequence[Quantity]) -> Figure:
    """Plot a row for each quantity: all seeds with mean and spread, and the mean by step."""
    from matplotlib.figure import Figure

    variants = list(dict.fromkeys(name for each in quantities for name in each.cells))
    colors = {name: f"C{place % 10}" for place, name in enumerate(variants)}
    columns = 2 if any(len(it) > 1 for each in quantities for it in each.curves.values()) else 1
    height = 0.9 + 0.3 * max(len(variants), 2 * columns)
    figure = Figure(figsize=(8.5, height * len(quantities)), layout="constrained")
    panels = figure.subplots(len(quantities), columns, squeeze=False)
    for row, quantity in zip(panels, quantities, strict=True):
        _draw_seeds(row[0], quantity, colors)
        if columns > 1:
            _draw_curves(row[1], quantity, colors)
    return figure


def _draw_seeds(panel: Axes, quantity: Quantity, colors: dict[str, str]) -> None:
    everything = []
    for place, (variant, cell) in enumerate(quantity.cells.items()):
        color = colors[variant]
        spread = np.linspace(-0.12, 0.12, len(cell.values)) if len(cell.values) > 1 else [0.0]
        panel.plot(cell.values, place + np.asarray(spread), ".", color=color, alpha=0.5)
        panel.errorbar(cell.mean, place, xerr=cell.std, fmt="o", color=color, capsize=3, ms=5)
        everything += cell.values
    if quantity.baseline is not None:
        panel.axvline(quantity.baseline, color=REAL, linestyle="--", linewidth=1)
        everything.append(quantity.baseline)
    names = [figure_text(each) for each in quantity.cells]
    panel.set_yticks(range(len(names)), names, fontsize="small")
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_title(title_of(quantity.name, quantity.better), fontsize="small")
    plain_panel(panel, axis="x")
    use_log_axis(panel, "x", everything)


def _draw_curves(panel: Axes, quantity: Quantity, colors: dict[str, str]) -> None:
    curves = {name: curve for name, curve in quantity.curves.items() if len(curve) > 1}
    if not curves:
        panel.set_visible(False)
        return
    for variant, curve in curves.items():
        panel.plot(list(curve), list(curve.values()), color=colors[variant], marker="o", ms=2.5)
    if quantity.baseline is not None:
        panel.axhline(quantity.baseline, color=REAL, linestyle="--", linewidth=1)
    plain_panel(panel)
    panel.set_title("by step, mean over the seeds", fontsize="small")
    use_log_axis(panel, "y", [each for curve in curves.values() for each in curve.values()])


def _names(quantities: Sequence[Quantity]) -> str:
    return ", ".join(markdown(each.name) for each in quantities)
