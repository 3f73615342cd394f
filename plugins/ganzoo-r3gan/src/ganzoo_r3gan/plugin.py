"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_r3gan.components import R3GANDiscriminator, R3GANGenerator


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return both networks."""
    return (R3GANGenerator, R3GANDiscriminator)


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the specs that train them."""
    return sorted((Path(__file__).parent / "recipes").glob("*.json"))
