"""Whether generated samples are nearer to training samples than other real samples are."""

from __future__ import annotations

import math

import numpy as np

from ganzoo.builtin.metrics.neighbours import nearest
from ganzoo.builtin.metrics.samples import Array, features_of, measurement
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.errors import NotMeasurable

LEAST_GENERATED = 8
"""Below this the rank test's normal approximation is of no use."""


def memorization(inputs: MetricInputs, *, quantile: float) -> MetricResult:
    """Compare distances to the nearest training sample: of generated ones, and of held-out ones.

    Args:
        inputs: the samples; those of reference were not trained on.
        quantile: of the distances of held-out samples, up to which a generated sample is a copy.
    """
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
    z, share = rank_test(of_generated, of_held_out)
    values = {"copies": (of_generated <= threshold).mean(), "data_copying": z}
    details = {
        "threshold": threshold,
        "median_distance": float(np.median(of_generated)),
        "median_distance_held_out": float(np.median(of_held_out)),
        "farther_than_held_out": share,
    }
    return measurement(values, details)


def rank_test(x: Array, y: Array) -> tuple[float, float]:
    """Compare two samples of numbers by ranks (Mann-Whitney), corrected for ties.

    Args:
        x: (n,).
        y: (m,).

    Returns:
        The z-score, above 0 where x tends to be larger, and the share of pairs in which x is the
        larger one, equal ones counting half.

    Raises:
        NotMeasurable: all numbers are equal.
    """
    ordered = np.sort(y)
    wins = (np.searchsorted(ordered, x, "left") + np.searchsorted(ordered, x, "right")).sum() / 2
    pairs, total = len(x) * len(y), len(x) + len(y)
    ties = np.unique(np.concatenate([x, y]), return_counts=True)[1].astype(np.float64)
    variance = pairs / 12 * (total + 1 - ((ties**3 - ties).sum() / (total * (total - 1))))
    if len(ties) == 1:
        raise NotMeasurable("all distances to the nearest training sample are equal")
    return float((wins - pairs / 2) / np.sqrt(variance)), float(wins / pairs)
