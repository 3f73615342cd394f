"""Drawing activations and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ganzoo.components import Activation

POINTS = 2001
"""Points a curve is drawn from: enough for a jump of the derivative to look like one."""

DASHES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""Line styles in turn, so that curves that lie on each other can all be seen."""


def value_and_derivative(
    activation: Activation, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute an activation, freshly initialized, and by autograd its derivative.

    Args:
        activation: any elementwise activation.
        x: points (N,), floating.

    Returns:
        Values and derivatives, each (N,). At a kink the derivative is the one torch trains with.
    """
    module = activation.build().to(x.device, x.dtype).eval()
    x = x.detach().requires_grad_()
    value = module(x)
    (derivative,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), derivative


def plot_activations(
    activations: Mapping[str, Activation], low: float = -5.0, high: float = 5.0
) -> Figure:
    """Draw activations on the left and their derivatives on the right.

    Args:
        activations: what to draw, by the label each gets in the legend.
        low: left end of the input's range.
        high: its right end.

    Returns:
        A figure, not shown and not saved.

    Raises:
        ValueError: nothing is to be drawn, or the range is empty or endless.
    """
    if not activations:
        raise ValueError("no activation was given")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"the range needs a low end below a high one, not {low:g} and {high:g}")
    columns = min(len(activations), 4)
    rows = -(-len(activations) // columns)
    figure = Figure(figsize=(10, 4.6 + 0.25 * rows), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2)
    palette = colormaps["tab10" if len(activations) <= 10 else "tab20"]
    x = torch.linspace(low, high, POINTS, dtype=torch.float64)
    for index, (label, activation) in enumerate(activations.items()):
        for panel, y in zip(panels, value_and_derivative(activation, x), strict=True):
            panel.plot(
                x.numpy(),
                y.numpy(),
                label=label,
                color=palette(index % palette.N),
                linestyle=DASHES[index % len(DASHES)],
                linewidth=2,
            )
    for panel, title in zip(panels, ("Value", "Derivative"), strict=True):
        panel.set_title(title)
        panel.set_xlabel("input")
        panel.set_xlim(low, high)
        panel.axhline(0, color="0.3", linewidth=0.8, zorder=1)
        if low < 0 < high:
            panel.axvline(0, color="0.3", linewidth=0.8, zorder=1)
        panel.grid(visible=True, color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=columns, frameon=False, handlelength=3
    )
    return figure
