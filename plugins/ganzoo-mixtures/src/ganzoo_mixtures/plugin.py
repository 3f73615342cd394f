"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_mixtures.datasets import Grid, Ring
from ganzoo_mixtures.modes import Modes


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data sets, and the metric that knows their modes."""
    return (Ring, Grid, Modes)
