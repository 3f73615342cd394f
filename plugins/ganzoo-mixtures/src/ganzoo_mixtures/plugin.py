"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_mixtures.datasets import Grid, Grid100, Ring
from ganzoo_mixtures.latents import LearnedMixture
from ganzoo_mixtures.modes import Modes


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data sets, the metric that knows their modes, and a latent that can follow them."""
    return (Ring, Grid, Grid100, LearnedMixture, Modes)
