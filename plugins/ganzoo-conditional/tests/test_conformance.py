"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_conditional.networks import InfoGANLatent, WithHeads
from ganzoo_dcgan.components import DCGANDiscriminator
from ganzoo_devkit.testing import conformance
from ganzoo_mlp.components import MLPDiscriminator

SMALL = DCGANDiscriminator(channels=4)
CODES = InfoGANLatent(dim=9, categories=(2, 3), continuous=1)

test_conformance = conformance(
    "ganzoo-conditional",
    examples=[
        WithHeads(network=SMALL),
        WithHeads(network=SMALL, embedding=5, codes=6, hidden=4),
        CODES,
    ],
    specs={
        "auxiliary_loss-infogan": {
            "latent": CODES,
            "discriminator": WithHeads(network=MLPDiscriminator(hidden=(8,)), codes=6),
        }
    },
)
