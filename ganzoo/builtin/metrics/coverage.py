"""How realistic samples are, and how much of the data they reach, as specs name it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.extractors.pixels import Identity
from ganzoo.builtin.metrics.classes import PACGAN, VEEGAN
from ganzoo.components import Component, FeatureExtractor, Metric, MetricFn, Quantity, choice


class PRDC(Metric):
    """Precision, recall, density and coverage, from balls around samples in the space of features.

    The ball of a sample reaches to its k-th nearest neighbour in its own set, and holds its surface,
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
            "Share of generated samples within the ball of a reference sample, from 0 to 1.",
        ),
        Quantity(
            "recall",
            "higher",
            "Share of reference samples within the ball of a generated sample, from 0 to 1.",
        ),
        Quantity(
            "density",
            "higher",
            "Mean number of balls of reference samples that a generated sample is in, by k, from 0 up;"
            " 1 is expected where distributions agree.",
        ),
        Quantity(
            "coverage",
            "higher",
            "Share of reference samples whose ball holds a generated sample, from 0 to 1; about"
            " 1 - 2^-k is expected where distributions agree and sets are equally large.",
        ),
    )
    k: int = Field(
        default=5, ge=1, le=50, description="Which nearest neighbour a ball reaches to, from 1."
    )
    max_samples: int = Field(
        default=10_000, ge=100, description="Most samples of each set to look at, drawn at random."
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import prdc

        return partial(prdc.prdc, k=self.k, max_samples=self.max_samples)


class Modes(Metric):
    """Modes of a known mixture of points: which are found, and how many samples are near one.

    A sample is of high quality within three standard deviations of the nearest centre, and a mode is
    found where at least one sample of high quality is nearest to it. Of a perfect sampler of points in
    a plane, 98.9 % are of high quality. Publications draw 2,500 samples. The details hold the
    samples of high quality of each mode.
    """

    type: Literal["modes"] = "modes"
    paper: ClassVar[str | None] = f"{VEEGAN}; {PACGAN}"
    named_after_extractor: ClassVar[bool] = False
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("modes", "higher", "Modes that are found, from 0 to the number of modes."),
        Quantity(
            "high_quality",
            "higher",
            "Share of generated samples near the centre of a mode, from 0 to 1.",
        ),
    )
    extractor: FeatureExtractor | None = choice(
        "identity",
        description="What gives its features. Other than the points themselves is refused.",
    )
    within: float = Field(
        default=3.0,
        gt=0,
        description="Distance from the nearest centre up to which a sample is of high quality, in"
        " standard deviations of a mode.",
    )

    def check(self, extractor: FeatureExtractor) -> None:
        """Refuse features that are not the points themselves."""
        super().check(extractor)
        if not isinstance(extractor, Identity):
            raise ValueError(
                f"metric {self.type!r} looks at points themselves, not at features of extractor"
                f" {extractor.type!r}; the right extractor is 'identity'"
            )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import modes

        return partial(modes.modes, within=self.within)


COMPONENTS: tuple[type[Component], ...] = (PRDC, Modes)
