"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_conditional import losses
from ganzoo_conditional.networks import InfoGANLatent, WithHeads


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the discriminator, the latent and the auxiliary losses."""
    return (WithHeads, InfoGANLatent, *losses.COMPONENTS)
