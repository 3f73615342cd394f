"""Curves of the metrics that a run logged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ganzoo.errors import UsageError
from ganzoo.utils.images import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]
Known = tuple[str, str, str]

DISCRIMINATOR, GENERATOR = "#1f77b4", "#d95f02"
REAL, FAKE = "#4c8c4a", "#8e5ea2"
STYLES = ("-", "--", ":", "-.")
SMOOTHED_FROM = 60
"""From this many rows on, a running mean is drawn over the values."""

PANELS = (
    (
        "loss",
        (
            ("loss/discriminator", "discriminator", DISCRIMINATOR),
            ("loss/generator", "generator", GENERATOR),
        ),
    ),
    (
        "mean score of D",
        (("score/real", "real samples", REAL), ("score/fake", "generated samples", FAKE)),
    ),
)


def loss_figure(
    metrics: Sequence[Row], *, per: Literal["step", "epoch"] = "step", title: str = ""
) -> Figure:
    """Draw both losses and, below them, the discriminator's mean scores of real and generated samples.

    Args:
        metrics: rows of metrics.jsonl, with the step, the epoch, ``loss/…`` and ``score/…``.
        per: ``step`` draws every row, ``epoch`` the mean of the rows of each epoch.
        title: title of the figure.

    Raises:
        ganzoo.errors.UsageError: the rows contain no losses.
    """
    from matplotlib.figure import Figure

    if not has_losses(metrics):
        raise UsageError("no losses to plot: the run has not logged any yet")
    panels = [(label, list(_curves(metrics, known))) for label, known in PANELS]
    panels = [(label, curves) for label, curves in panels if curves]
    figure = Figure(figsize=(8, 1 + 2.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (label, curves) in zip(axes, panels, strict=True):
        for key, name, color, style in curves:
            _draw(panel, *_series(metrics, key, per), name, color, style)
        panel.set_ylabel(label)
        panel.grid(visible=True, color="0.92")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False, loc="best")
    axes[-1].set_xlabel(per)
    axes[-1].margins(x=0.01)
    if title:
        figure.suptitle(title, fontsize="medium")
    return figure


def has_losses(metrics: Sequence[Row]) -> bool:
    """Return whether rows of metrics.jsonl contain losses of discriminators or generators."""
    return any(_curves(metrics, PANELS[0][1]))


def save_losses(
    metrics: Sequence[Row], path: Path, *, per: Literal["step", "epoch"] = "step", title: str = ""
) -> None:
    """Write the figure of ``loss_figure`` in the format of the path's suffix (PNG, SVG, PDF).

    Raises:
        ganzoo.errors.UsageError: the rows contain no losses, or matplotlib cannot write the format.
    """
    save_figure(loss_figure(metrics, per=per, title=title), path)


def _curves(metrics: Sequence[Row], known: Iterable[Known]) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, name, color and line style of each curve that was logged.

    Networks of one kind, as in ``loss/discriminator/a``, have one color and differ in style.
    """
    logged = dict.fromkeys(key for row in metrics for key in row)
    for prefix, name, color in known:
        keys = [key for key in logged if key == prefix or key.startswith(f"{prefix}/")]
        for key, style in zip(keys, itertools.cycle(STYLES), strict=False):
            yield key, name + key.removeprefix(prefix).replace("/", " "), color, style


def _series(
    metrics: Sequence[Row], key: str, per: Literal["step", "epoch"]
) -> tuple[Floats, Floats]:
    """Return the positions and values of one curve."""
    rows = [row for row in metrics if key in row]
    values = np.array([row[key] for row in rows], dtype=np.float64)
    if per == "step":
        return np.array([row["step"] for row in rows], dtype=np.float64), values
    epochs = np.array([max(1, math.ceil(row["epoch"])) for row in rows], dtype=np.float64)
    places = np.unique(epochs)
    return places, np.array([values[epochs == place].mean() for place in places])


def _draw(panel: Axes, places: Floats, values: Floats, name: str, color: str, style: str) -> None:
    """Draw values; if there are many, draw them faintly under their running mean."""
    if len(values) < SMOOTHED_FROM:
        marker = "o" if len(values) < 30 else ""
        panel.plot(places, values, style, color=color, label=name, marker=marker, ms=3)
        return
    panel.plot(places, values, color=color, alpha=0.25, linewidth=0.8)
    half = len(values) // 50
    sums = np.concatenate([[0.0], np.cumsum(values)])
    begin = np.maximum(np.arange(len(values)) - half, 0)
    end = np.minimum(np.arange(len(values)) + half + 1, len(values))
    means = (sums[end] - sums[begin]) / (end - begin)
    panel.plot(places, means, style, color=color, label=name)
