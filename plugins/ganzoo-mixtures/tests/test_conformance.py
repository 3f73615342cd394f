"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_mixtures.latents import LearnedMixture

test_conformance = conformance("ganzoo-mixtures", examples=[LearnedMixture(dim=3, std=0)])
