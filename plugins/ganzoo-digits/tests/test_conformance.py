"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance

test_conformance = conformance("ganzoo-digits", sample_shapes=[(1, 28, 28), (3, 28, 28)])
