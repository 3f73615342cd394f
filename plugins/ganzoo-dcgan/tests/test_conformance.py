"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_dcgan.components import DCGANDiscriminator, DCGANGenerator
from ganzoo_devkit.testing import conformance

test_conformance = conformance(
    "ganzoo-dcgan",
    examples=[
        DCGANGenerator(channels=2, upsampling="resize"),
        DCGANDiscriminator(channels=2, dropout=0.3, downsampling="pool"),
    ],
)
