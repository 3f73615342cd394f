"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_callbacks.callbacks import ReduceOnPlateau, StopAt
from ganzoo_devkit.testing import conformance

test_conformance = conformance(
    "ganzoo-callbacks",
    examples=[
        StopAt(quantity="fd", below=0.2, checks=2),
        ReduceOnPlateau(quantity="loss/generator", patience=2),
    ],
)
