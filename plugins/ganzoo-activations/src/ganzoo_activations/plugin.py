"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl
from ganzoo.components import Component
from ganzoo_activations import bounded, normalizations, rectifiers, smooth


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the activations and the normalizations."""
    for module in (rectifiers, smooth, bounded, normalizations):
        yield from module.COMPONENTS


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo plot activations``."""
    yield Command(
        "plot activations",
        "ganzoo_activations.cli:plot_activations",
        "Draw activations and their derivatives.",
    )
