"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_resnet.components import ResNetDiscriminator, ResNetGenerator

test_conformance = conformance(
    "ganzoo-resnet",
    examples=[
        ResNetGenerator(channels=2, embedding=3, split_latent=True),
        ResNetDiscriminator(channels=2),
    ],
)
