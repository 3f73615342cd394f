"""Whether a generator repeats what it was trained on, as specs name it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo.components import Component, Metric, MetricFn, Quantity


class Memorization(Metric):
    """Memorization: whether generated samples are nearer to training samples than held-out ones are.

    Distances are Euclidean, of features, to the nearest training sample. Reference samples are the
    held-out ones: they must not have been trained on, and must come from the same distribution.
    ``data_copying`` is the paper's test over all samples at once, corrected for ties; the paper
    also averages it over cells of the space of features. It grows with the number of samples, so the
    details hold the share of pairs it rests on, which does not.
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
            "Share of generated samples no farther from a training sample than the nearest of held-out"
            " samples are, from 0 to 1; about the quantile where nothing is copied.",
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
        description="Share of held-out samples, the nearest ones, whose largest distance is the limit"
        " of copies. At least 1 / quantile held-out samples are needed.",
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import memorization

        return partial(memorization.memorization, quantile=self.quantile)


COMPONENTS: tuple[type[Component], ...] = (Memorization,)
