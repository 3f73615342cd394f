"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_augmentations.components import ADA, APA, DiffAugment
from ganzoo_devkit.testing import conformance

test_conformance = conformance(
    "ganzoo-augmentations",
    examples=[
        DiffAugment(),
        DiffAugment(operations=("translation",), translation=0.3),
        ADA(
            operations=("blitting", "geometry", "color", "corruption"),
            every=1,
            target=-0.9,
            ramp=16,
        ),
        APA(every=1, target=-0.9, ramp=16),
    ],
)
