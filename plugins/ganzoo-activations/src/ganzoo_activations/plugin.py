"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_activations import bounded, rectifiers, smooth


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the activations."""
    for module in (rectifiers, smooth, bounded):
        yield from module.COMPONENTS
