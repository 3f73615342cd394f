"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_r3gan.components import R3GANDiscriminator, R3GANGenerator

SMALL = {"channels": 4, "blocks": 1, "group_width": 4}

test_conformance = conformance(
    "ganzoo-r3gan",
    examples=[R3GANGenerator(**SMALL), R3GANDiscriminator(**SMALL)],
)
