"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_losses import losses, regularizers


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the losses and the regularizers."""
    for module in (losses, regularizers):
        yield from module.COMPONENTS
