"""The Fréchet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import numpy as np
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from ganzoo.builtin.metrics.feeding import Identity
from ganzoo.builtin.metrics.samples import Array, measurement, pair_of_features
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.errors import NotMeasurable
from ganzoo.utils.seeds import derive_seed

ROWS = 8192
"""Samples that are fed at a time; bounds the memory of their centred copy."""

SMALLEST_SHARE = 0.1
LEAST_PER_FEATURE = 2
"""Below about two samples a feature, the bias is not linear in 1/n."""


class DistanceTo:
    """The Fréchet distance of sets of features to one reference, as torchmetrics computes it.

    All features are fed less the mean of the reference. The distance does not change by it, and the
    sums of squares that covariances are made of keep their digits.

    Args:
        reference: (M, d), M at least 2.
    """

    def __init__(self, reference: Array) -> None:
        self._mean = reference.mean(axis=0)
        self._metric = FrechetInceptionDistance(
            Identity(reference.shape[1]),
            reset_real_features=False,
            sync_on_compute=False,  # one process measures, where there are several
        )
        self._feed(reference, real=True)

    def __call__(self, features: Array) -> float:
        """Return the distance of features (N, d), N at least 2; what rounding leaves below 0 is 0."""
        self._metric.reset()
        self._feed(features, real=False)
        return max(float(self._metric.compute()), 0.0)

    def _feed(self, features: Array, *, real: bool) -> None:
        for start in range(0, len(features), ROWS):
            centred = torch.from_numpy(features[start : start + ROWS] - self._mean)
            self._metric.update(centred, real=real)


def distance(inputs: MetricInputs, *, name: str) -> MetricResult:
    """Measure the Fréchet distance.

    Args:
        inputs: the samples.
        name: what to call the quantity.
    """
    generated, reference = pair_of_features(inputs, least=2)
    return measurement({name: DistanceTo(reference)(generated)})


def extrapolated(inputs: MetricInputs, *, name: str, points: int) -> MetricResult:
    """Measure the Fréchet distance that infinitely many generated samples would have.

    Args:
        inputs: the samples.
        name: what to call the quantity.
        points: numbers of samples at which the distance is taken.
    """
    width = inputs.generated.features.shape[1]
    smallest = LEAST_PER_FEATURE * width
    least = max(2 * smallest, int(points / SMALLEST_SHARE))
    generated, reference = pair_of_features(inputs, least=2)
    count = len(generated)
    if count < least:
        raise NotMeasurable(
            f"with {width} features, {points} points of the line need {least} generated samples"
            f" or more, and there are {count}"
        )
    first = max(smallest, round(SMALLEST_SHARE * count))
    sizes = np.linspace(first, count, points).round().astype(int)
    rng = np.random.default_rng(derive_seed(inputs.seed, "extrapolated distance"))
    distance_to_reference = DistanceTo(reference)
    values = np.array(
        [distance_to_reference(generated[rng.permutation(count)[:size]]) for size in sizes]
    )
    limit, r_squared = _line_at_zero(1 / sizes, values)
    details = {"sizes": sizes.tolist(), "values": values.tolist(), "r_squared": r_squared}
    return measurement({name: limit}, details)


def _line_at_zero(x: Array, y: Array) -> tuple[float, float | None]:
    """Return where the line through (x, y) that fits best meets x = 0, and its R².

    R² is None where all y are equal, since there is nothing to explain.
    """
    apart_x, apart_y = x - x.mean(), y - y.mean()
    slope = (apart_x @ apart_y) / (apart_x @ apart_x)
    total = apart_y @ apart_y
    left = apart_y - slope * apart_x
    r_squared = float(1 - (left @ left) / total) if total > 0 else None
    return float(y.mean() - slope * x.mean()), r_squared
