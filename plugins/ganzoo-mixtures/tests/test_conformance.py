"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_mixtures.latents import LearnedMixture

from ganzoo.testing import conformance

test_conformance = conformance("ganzoo-mixtures", examples=[LearnedMixture(dim=3, std=0)])
