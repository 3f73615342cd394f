"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_augmentations.components import DiffAugment
from ganzoo_devkit.testing import conformance

test_conformance = conformance(
    "ganzoo-augmentations",
    examples=[DiffAugment(), DiffAugment(operations=("translation",), translation=0.3)],
)
