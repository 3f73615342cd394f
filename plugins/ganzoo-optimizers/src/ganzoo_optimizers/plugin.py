"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_optimizers.components import Extragradient, LookaheadMinmax, OptimisticAdam


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the optimizer and the algorithms."""
    return (OptimisticAdam, Extragradient, LookaheadMinmax)
