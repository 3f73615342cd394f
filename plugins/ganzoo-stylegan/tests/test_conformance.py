"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_stylegan.components import PathLength, StyleGAN2Discriminator, StyleGAN2Generator

from ganzoo.testing import conformance

SMALL = {"channels": 4}
GENERATOR = {"style_dim": 8, "mapping_layers": 2, **SMALL}

test_conformance = conformance(
    "ganzoo-stylegan",
    examples=[
        StyleGAN2Generator(**GENERATOR),
        StyleGAN2Generator(architecture="residual", truncation=0.5, **GENERATOR),
        StyleGAN2Discriminator(**SMALL),
        PathLength(),
    ],
)
