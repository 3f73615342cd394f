"""The Fréchet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import (
    CoreMetric,
    OfInception,
    finite_result,
    identity_network,
    pair_of_features,
)
from ganzoo.components import MetricInputs, MetricResult, Quantity
from ganzoo.errors import NotMeasurable
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array

ROWS = 8192
"""Samples fed to torchmetrics at a time; bounds the memory of their centred copy."""

SMALLEST_FRACTION = 0.1
LEAST_PER_FEATURE = 2
"""With fewer samples per feature the bias is not linear in 1/n."""


class _Frechet(CoreMetric):
    paper = (
        "Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash"
        " Equilibrium, 2017, arXiv:1706.08500"
    )
    samples_per_feature = 10

    def measure(self, inputs: MetricInputs) -> MetricResult:
        generated, reference = pair_of_features(inputs, least=2)
        return finite_result({self.quantities[0].name: DistanceTo(reference)(generated)})


class FrechetDistance(_Frechet):
    """Fréchet distance between Gaussians fitted to generated and to reference features.

    ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), computed by torchmetrics in float64. It sees means and
    covariances only, and is biased upwards, the more so the fewer samples and the more features there
    are: for equal distributions of 64 features of variance 1 and 10,000 reference samples it is about
    1.2 with 1,000 generated samples, and 0.2 with 10,000. Compare values only if the extractor and both
    numbers of samples agree.
    """

    type: Literal["fd"] = "fd"
    quantities = (
        Quantity("fd", "lower", "Fréchet distance, from 0 up, in squared units of the features."),
    )


class FrechetInceptionDistance(OfInception, _Frechet):
    """Fréchet Inception distance (FID): the Fréchet distance as published, for Inception features.

    Biased upwards as ``fd`` is; with 2048 features it needs the more samples. Publications use 50,000
    generated ones.
    """

    type: Literal["fid"] = "fid"
    general = "fd"
    quantities = (Quantity("fid", "lower", "Fréchet Inception distance, from 0 up."),)


class _Extrapolated(CoreMetric):
    paper = (
        "Chong and Forsyth, Effectively Unbiased FID and Inception Score and where to find them, 2020,"
        " arXiv:1911.07023"
    )
    samples_per_feature = 10
    points: int = Field(
        default=15,
        ge=3,
        le=100,
        description="Numbers of generated samples at which the distance is taken. Each costs as much"
        " as the distance itself.",
    )

    def measure(self, inputs: MetricInputs) -> MetricResult:
        """Measure the distance that infinitely many generated samples would have."""
        import numpy as np

        width, points = inputs.generated.features.shape[1], self.points
        smallest = LEAST_PER_FEATURE * width
        least = max(2 * smallest, int(points / SMALLEST_FRACTION))
        generated, reference = pair_of_features(inputs, least=2)
        count = len(generated)
        if count < least:
            raise NotMeasurable(
                f"with {width} features, {points} points of the line need {least} generated samples"
                f" or more, and there are {count}"
            )
        first = max(smallest, round(SMALLEST_FRACTION * count))
        sizes = np.linspace(first, count, points).round().astype(int)
        rng = np.random.default_rng(derive_seed(inputs.seed, "extrapolated distance"))
        distance = DistanceTo(reference)
        values = np.array([distance(generated[rng.permutation(count)[:size]]) for size in sizes])
        limit, r_squared = _line_at_zero(1 / sizes, values)
        details = {"sizes": sizes.tolist(), "values": values.tolist(), "r_squared": r_squared}
        return finite_result({self.quantities[0].name: limit}, details)


class FrechetDistanceInfinity(_Extrapolated):
    """Fréchet distance extrapolated to infinitely many generated samples.

    The distance is taken for random subsets of evenly spaced sizes n, and a line in 1/n is extended to
    1/n = 0. Sizes go from a tenth of the samples, as published, but from no fewer than two per
    feature, below which the bias is not linear in 1/n; so it needs four samples per feature. Samples
    are those of the evaluation, not of a Sobol sequence as in the paper. Reference samples stay
    as they are, and with them their part of the bias. The value may be a little below 0. The details
    hold sizes, values and R².
    """

    type: Literal["fd_infinity"] = "fd_infinity"
    quantities = (
        Quantity(
            "fd_infinity",
            "lower",
            "Fréchet distance without the bias of few generated samples, from about 0 up.",
        ),
    )


class FIDInfinity(OfInception, _Extrapolated):
    """Fréchet Inception distance extrapolated to infinitely many generated samples (FID∞).

    As ``fd_infinity``, for Inception features; it needs 8,192 generated samples.
    """

    type: Literal["fid_infinity"] = "fid_infinity"
    general = "fd_infinity"
    quantities = (
        Quantity(
            "fid_infinity",
            "lower",
            "Fréchet Inception distance without the bias of few generated samples, from about 0 up.",
        ),
    )


class DistanceTo:
    """The Fréchet distance of sets of features to one reference (M, d), as torchmetrics computes it.

    The mean of the reference is subtracted from all features. This does not change the distance, and
    keeps the digits of the sums of squares that covariances are computed from.
    """

    def __init__(self, reference: Array) -> None:
        from torchmetrics.image.fid import FrechetInceptionDistance

        self._mean = reference.mean(axis=0)
        self._metric = FrechetInceptionDistance(
            identity_network(reference.shape[1]),
            reset_real_features=False,
            sync_on_compute=False,  # a single process measures
        )
        self._feed(reference, real=True)

    def __call__(self, features: Array) -> float:
        """Return the distance of features (N, d), N at least 2; 0 if rounding leaves it below 0."""
        self._metric.reset()
        self._feed(features, real=False)
        return max(float(self._metric.compute()), 0.0)

    def _feed(self, features: Array, *, real: bool) -> None:
        import torch

        for start in range(0, len(features), ROWS):
            centred = torch.from_numpy(features[start : start + ROWS] - self._mean)
            self._metric.update(centred, real=real)


def _line_at_zero(x: Array, y: Array) -> tuple[float, float | None]:
    """Return the value at x = 0 of the line that fits (x, y) best, and its R², None if y is constant."""
    apart_x, apart_y = x - x.mean(), y - y.mean()
    slope = (apart_x @ apart_y) / (apart_x @ apart_x)
    total = apart_y @ apart_y
    left = apart_y - slope * apart_x
    r_squared = float(1 - (left @ left) / total) if total > 0 else None
    return float(y.mean() - slope * x.mean()), r_squared
