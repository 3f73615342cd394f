"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_resnet.components import ResNetDiscriminator, ResNetGenerator


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return both networks."""
    return (ResNetGenerator, ResNetDiscriminator)
