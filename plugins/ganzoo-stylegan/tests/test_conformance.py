"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_stylegan.components import PathLength, StyleGAN2Discriminator, StyleGAN2Generator

GENERATOR = {"channels": 4, "style_dim": 8, "mapping_layers": 2}
GENERATORS = [
    StyleGAN2Generator(**GENERATOR),
    StyleGAN2Generator(architecture="residual", truncation=0.5, **GENERATOR),
]

test_conformance = conformance(
    "ganzoo-stylegan",
    examples=[*GENERATORS, StyleGAN2Discriminator(channels=4), PathLength()],
    sample_shapes=[(1, 28, 28), (3, 32, 32), (3, 24, 40)],
    specs={"regularizer-path_length": {"generator": GENERATORS[0]}},
)
