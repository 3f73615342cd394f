"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_conditional import losses
from ganzoo_conditional.networks import InfoGANLatent, WithHeads


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the discriminator, the latent and the auxiliary losses."""
    return (WithHeads, InfoGANLatent, *losses.COMPONENTS)


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the specs that train with them."""
    return sorted((Path(__file__).parent / "recipes").glob("*.json"))
