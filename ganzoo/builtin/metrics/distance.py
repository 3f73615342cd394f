"""Distances between the distributions of features, as specs name them."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.metrics.published import OfInception
from ganzoo.components import Component, Metric, MetricFn, Quantity

HEUSEL = (
    "Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium,"
    " 2017, arXiv:1706.08500"
)
BINKOWSKI = "Bińkowski et al., Demystifying MMD GANs, 2018, arXiv:1801.01401"
CHONG = (
    "Chong and Forsyth, Effectively Unbiased FID and Inception Score and where to find them, 2020,"
    " arXiv:1911.07023"
)


class _Frechet(Metric):
    paper: ClassVar[str | None] = HEUSEL
    samples_per_feature: ClassVar[int] = 10

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import frechet

        return partial(frechet.distance, name=self.quantities[0].name)


class FrechetDistance(_Frechet):
    """Fréchet distance between Gaussians fitted to generated and to reference features.

    ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), computed by torchmetrics in float64. It sees means and
    covariances only, and is biased upwards, the more so the fewer samples and the more features there
    are: for equal distributions of 64 features of variance 1 and 10,000 reference samples it is about
    1.2 with 1,000 generated samples, and 0.2 with 10,000. Compare values only where the extractor and
    both numbers of samples agree.
    """

    type: Literal["fd"] = "fd"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fd",
            "lower",
            "Fréchet distance, from 0 up, in squared units of the features; 0 where means and"
            " covariances agree.",
        ),
    )


class FrechetInceptionDistance(OfInception, _Frechet):
    """Fréchet Inception distance (FID): the Fréchet distance as published, for Inception features.

    Biased upwards as ``fd`` is, and with 2048 features it needs the more samples; publications use
    50,000 generated ones.
    """

    type: Literal["fid"] = "fid"
    general: ClassVar[str] = "fd"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fid",
            "lower",
            "Fréchet Inception distance, from 0 up; 0 where means and covariances agree.",
        ),
    )


class _Extrapolated(Metric):
    paper: ClassVar[str | None] = CHONG
    samples_per_feature: ClassVar[int] = 10
    points: int = Field(
        default=15,
        ge=3,
        le=100,
        description="Numbers of generated samples at which the distance is taken. Each costs as much"
        " as the distance itself.",
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import frechet

        return partial(frechet.extrapolated, name=self.quantities[0].name, points=self.points)


class FrechetDistanceInfinity(_Extrapolated):
    """Fréchet distance extrapolated to infinitely many generated samples.

    The distance is taken for random subsets of evenly spaced sizes n, and a line in 1/n is followed to
    1/n = 0. Sizes go from a tenth of the samples, as published, but from no fewer than two a
    feature, below which the bias is not linear in 1/n; so it needs four samples a feature. Samples
    are those of the evaluation, not of a Sobol sequence as in the paper. Reference samples stay
    as they are, and with them their share of the bias. The details hold sizes, values and R².
    """

    type: Literal["fd_infinity"] = "fd_infinity"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fd_infinity",
            "lower",
            "Fréchet distance without the bias of few generated samples, in squared units of the"
            " features, from about 0 up; it may fall a little below 0.",
        ),
    )


class FIDInfinity(OfInception, _Extrapolated):
    """Fréchet Inception distance extrapolated to infinitely many generated samples (FID∞).

    As ``fd_infinity``, for Inception features; it needs 8,192 generated samples.
    """

    type: Literal["fid_infinity"] = "fid_infinity"
    general: ClassVar[str] = "fd_infinity"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fid_infinity",
            "lower",
            "Fréchet Inception distance without the bias of few generated samples, from about 0 up;"
            " it may fall a little below 0.",
        ),
    )


class _Kernel(Metric):
    paper: ClassVar[str | None] = BINKOWSKI
    subsets: int = Field(
        default=100, ge=1, description="Random subsets of each set over which the mean is taken."
    )
    subset_size: int = Field(
        default=1000, ge=2, description="Samples of a subset; no more than there are."
    )
    degree: int = Field(
        default=3, ge=1, description="Degree of the kernel (gamma x·y + coef)^degree."
    )
    gamma: float | None = Field(
        default=None,
        gt=0,
        description="Factor on products of features. Null: 1 / number of features.",
    )
    coef: float = Field(default=1.0, gt=0, description="What is added to products of features.")

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import kernel

        return partial(
            kernel.distance,
            name=self.quantities[0].name,
            subsets=self.subsets,
            subset_size=self.subset_size,
            degree=self.degree,
            gamma=self.gamma,
            coef=self.coef,
        )


class KernelDistance(_Kernel):
    """Kernel distance: squared maximum mean discrepancy with a polynomial kernel, without bias.

    Mean over random subsets of generated and of reference features, computed by torchmetrics in
    float64. The details hold the size of the subsets in use and the standard deviation over them,
    which is no confidence interval, since subsets share samples.
    """

    type: Literal["kd"] = "kd"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "kd",
            "lower",
            "Kernel distance, from about 0 up; around 0, on either side, where distributions agree.",
        ),
    )


class KernelInceptionDistance(OfInception, _Kernel):
    """Kernel Inception distance (KID): the kernel distance as published, for Inception features.

    Publications often give it times 1,000.
    """

    type: Literal["kid"] = "kid"
    general: ClassVar[str] = "kd"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "kid",
            "lower",
            "Kernel Inception distance, from about 0 up; around 0, on either side, where"
            " distributions agree.",
        ),
    )


COMPONENTS: tuple[type[Component], ...] = (
    FrechetDistance,
    FrechetInceptionDistance,
    FrechetDistanceInfinity,
    FIDInfinity,
    KernelDistance,
    KernelInceptionDistance,
)
