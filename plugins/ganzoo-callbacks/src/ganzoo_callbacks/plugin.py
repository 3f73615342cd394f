"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_callbacks.callbacks import ReduceOnPlateau, StopAt


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the callbacks."""
    return (StopAt, ReduceOnPlateau)
