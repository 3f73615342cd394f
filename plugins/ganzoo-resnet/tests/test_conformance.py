"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_resnet.components import ResNetDiscriminator, ResNetGenerator

from ganzoo.testing import conformance

test_conformance = conformance(
    "ganzoo-resnet",
    examples=[
        ResNetGenerator(channels=2, embedding=3, split_latent=True),
        ResNetDiscriminator(channels=2),
    ],
)
