"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_mlp.components import MLPDiscriminator, MLPGenerator

test_conformance = conformance(
    "ganzoo-mlp",
    examples=[
        MLPGenerator(hidden=(8, 16)),
        MLPDiscriminator(hidden=(16, 8), dropout=0.3, fourier=(0.5, 1.0)),
    ],
)
