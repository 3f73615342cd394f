"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_augmentations.components import COMPONENTS


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the augmentations."""
    return COMPONENTS
