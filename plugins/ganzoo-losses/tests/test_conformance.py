"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_losses.regularizers import GradientPenalty, LeCam

test_conformance = conformance(
    "ganzoo-losses",
    examples=[GradientPenalty(), GradientPenalty(one_sided=True), LeCam(), LeCam(one_sided=False)],
)
