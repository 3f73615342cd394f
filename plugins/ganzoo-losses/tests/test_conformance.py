"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_losses.regularizers import GradientPenalty, LeCam

from ganzoo.testing import conformance

test_conformance = conformance(
    "ganzoo-losses",
    examples=[GradientPenalty(), GradientPenalty(one_sided=True), LeCam(), LeCam(one_sided=False)],
)
