"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_mlp.components import MLPDiscriminator, MLPGenerator


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return both networks."""
    return (MLPGenerator, MLPDiscriminator)


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the specs of two published programs, and those of points."""
    return sorted((Path(__file__).parent / "recipes").glob("*.json"))
