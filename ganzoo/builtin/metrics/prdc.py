"""Precision, recall, density and coverage, from balls around samples in the space of features."""

from __future__ import annotations

import numpy as np

from ganzoo.builtin.metrics.neighbours import squared_distances, squared_radii
from ganzoo.builtin.metrics.samples import Array, measurement, pair_of_features
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.utils.seeds import derive_seed


def prdc(inputs: MetricInputs, *, k: int, max_samples: int) -> MetricResult:
    """Measure all four.

    The ball of a sample reaches to its k-th nearest neighbour in its own set, and holds its surface.

    Args:
        inputs: the samples.
        k: which neighbour.
        max_samples: how many of each set to look at, drawn at random where there are more.
    """
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
    return measurement(values, {"generated": len(generated), "reference": len(reference)})


def _drawn(features: Array, count: int, seed: int) -> Array:
    """Return so many rows, in their order: files and data sets are often sorted by class."""
    if len(features) <= count:
        return features
    return features[np.sort(np.random.default_rng(seed).permutation(len(features))[:count])]
