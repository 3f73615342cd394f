"""Whether generated samples are nearer to training samples than other real samples are."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import features_of, finite_result
from ganzoo.builtin.metrics.neighbours import nearest
from ganzoo.components import Metric, MetricFn, MetricInputs, MetricResult, Quantity
from ganzoo.errors import NotMeasurable

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array

LEAST_GENERATED = 8
"""With fewer the normal approximation of the rank test is useless."""


class Memorization(Metric):
    """Memorization: whether generated samples are nearer to training samples than held-out ones are.

    Distances are Euclidean, of features, to the nearest training sample. Reference samples are the
    held-out ones: they must not have been trained on, and must come from the same distribution.
    ``data_copying`` is the paper's test over all samples at once, corrected for ties; the paper
    also averages it over cells of the feature space. It grows with the number of samples; the
    details hold the fraction of pairs it is computed from, which does not.
    """

    type: Literal["memorization"] = "memorization"
    paper: ClassVar[str | None] = (
        "Meehan et al., A Non-Parametric Test to Detect Data-Copying in Generative Models, 2020,"
        " arXiv:2004.05675"
    )
    needs_training_samples: ClassVar[bool] = True
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "copies",
            "lower",
            "Fraction of generated samples no farther from a training sample than the nearest held-out"
            " samples are, from 0 to 1; about the quantile if nothing is copied.",
        ),
        Quantity(
            "data_copying",
            None,
            "z-score of distances to training samples against those of held-out samples; far below 0:"
            " copies; far above 0: samples unlike the data; within 3 of 0: neither.",
        ),
    )
    quantile: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Fraction of held-out samples, the nearest ones, whose largest distance is the limit"
        " of copies. At least 1 / quantile held-out samples are needed.",
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        return partial(_memorization, quantile=self.quantile)


def _memorization(inputs: MetricInputs, *, quantile: float) -> MetricResult:
    """Compare the distances to the nearest training sample of generated and of held-out samples."""
    import numpy as np

    if inputs.training is None:
        raise NotMeasurable(
            "there are no training samples apart from the reference to compare with"
        )
    training = features_of(inputs.training, "training", least=1)
    generated = features_of(inputs.generated, "generated", least=LEAST_GENERATED)
    held_out = features_of(inputs.reference, "held-out", least=math.ceil(1 / quantile))
    _, of_generated = nearest(generated, training)
    _, of_held_out = nearest(held_out, training)
    threshold = float(np.quantile(of_held_out, quantile))
    z, fraction = rank_test(of_generated, of_held_out)
    values = {"copies": (of_generated <= threshold).mean(), "data_copying": z}
    details = {
        "threshold": threshold,
        "median_distance": float(np.median(of_generated)),
        "median_distance_held_out": float(np.median(of_held_out)),
        "farther_than_held_out": fraction,
    }
    return finite_result(values, details)


def rank_test(x: Array, y: Array) -> tuple[float, float]:
    """Compare two samples of numbers by ranks (Mann-Whitney), corrected for ties.

    Args:
        x: (n,).
        y: (m,).

    Returns:
        The z-score, above 0 if x tends to be larger, and the fraction of pairs in which x is larger,
        equal ones counting half.

    Raises:
        NotMeasurable: all numbers are equal.
    """
    import numpy as np

    ordered = np.sort(y)
    wins = (np.searchsorted(ordered, x, "left") + np.searchsorted(ordered, x, "right")).sum() / 2
    pairs, total = len(x) * len(y), len(x) + len(y)
    ties = np.unique(np.concatenate([x, y]), return_counts=True)[1].astype(np.float64)
    variance = pairs / 12 * (total + 1 - ((ties**3 - ties).sum() / (total * (total - 1))))
    if len(ties) == 1:
        raise NotMeasurable("all distances to the nearest training sample are equal")
    return float((wins - pairs / 2) / np.sqrt(variance)), float(wins / pairs)
