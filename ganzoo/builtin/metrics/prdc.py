"""Precision, recall, density and coverage, from balls around samples in feature space."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import finite_result, pair_of_features
from ganzoo.builtin.metrics.neighbours import squared_distances, squared_radii
from ganzoo.components import Metric, MetricFn, MetricInputs, MetricResult, Quantity
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array


class PRDC(Metric):
    """Precision, recall, density and coverage, from balls around samples in feature space.

    The ball of a sample reaches to its k-th nearest neighbour in its own set, and includes its surface,
    as in the equations of the papers. The paper on precision and recall has k = 3; here k is
    the same for all four. All depend on the number of samples; the details hold those in use.
    Precision and recall suffer from outliers, whose balls are large; density and coverage less so.
    """

    type: Literal["prdc"] = "prdc"
    paper: ClassVar[str | None] = (
        "Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models,"
        " 2019, arXiv:1904.06991; Naeem et al., Reliable Fidelity and Diversity Metrics for Generative"
        " Models, 2020, arXiv:2002.09797"
    )
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "precision",
            "higher",
            "Fraction of generated samples within the ball of a reference sample, from 0 to 1.",
        ),
        Quantity(
            "recall",
            "higher",
            "Fraction of reference samples within the ball of a generated sample, from 0 to 1.",
        ),
        Quantity(
            "density",
            "higher",
            "Mean number of balls of reference samples that hold a generated sample, divided by k, from"
            " 0 up; 1 is expected if distributions agree.",
        ),
        Quantity(
            "coverage",
            "higher",
            "Fraction of reference samples whose ball holds a generated sample, from 0 to 1; about"
            " 1 - 2^-k is expected if distributions agree and sets are equally large.",
        ),
    )
    k: int = Field(
        default=5, ge=1, le=50, description="Which nearest neighbour a ball reaches to, from 1."
    )
    max_samples: int = Field(
        default=10_000, ge=100, description="Most samples of each set to use, drawn at random."
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        return partial(_prdc, k=self.k, max_samples=self.max_samples)


def _prdc(inputs: MetricInputs, *, k: int, max_samples: int) -> MetricResult:
    import numpy as np

    generated, reference = (
        _drawn(features, max_samples, derive_seed(inputs.seed, "prdc", which))
        for which, features in enumerate(pair_of_features(inputs, least=k + 1))
    )
    around_generated = squared_radii(generated, k)
    around_reference = squared_radii(reference, k)

    realistic = np.zeros(len(generated), dtype=bool)  # in the ball of a reference sample
    reached = np.zeros(len(reference), dtype=bool)  # in the ball of a generated sample
    covered = np.zeros(len(reference), dtype=bool)  # whose ball holds a generated sample
    pairs = 0
    for part, squared in squared_distances(generated, reference):
        in_reference_ball = squared <= around_reference
        realistic[part] = in_reference_ball.any(axis=1)
        covered |= in_reference_ball.any(axis=0)
        pairs += int(in_reference_ball.sum())
        reached |= (squared <= around_generated[part, None]).any(axis=0)
    values = {
        "precision": realistic.mean(),
        "recall": reached.mean(),
        "density": pairs / (k * len(generated)),
        "coverage": covered.mean(),
    }
    return finite_result(values, {"generated": len(generated), "reference": len(reference)})


def _drawn(features: Array, count: int, seed: int) -> Array:
    """Return random rows in their order: the first ones may all be of one class."""
    import numpy as np

    if len(features) <= count:
        return features
    return features[np.sort(np.random.default_rng(seed).permutation(len(features))[:count])]
