"""Metrics of distances to nearest neighbours: precision and recall, memorization.

Distances are Euclidean and computed from matrix products, |x|² + |y|² - 2x·y, which is many times faster
than from differences but loses digits if x and y nearly agree. So everything is in float64, about the
mean of the second set, and values below the rounding error of equal rows count as zero: an exact copy
is at distance 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import CoreMetric, finite_result, pair_of_features
from ganzoo.components import MetricInputs, MetricResult, Quantity
from ganzoo.errors import NotMeasurable
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array, Counts

BLOCK = 2**23
"""Distances held at a time: 64 MiB."""

LEAST_GENERATED = 8
"""With fewer the normal approximation of the rank test is useless."""


class PRDC(CoreMetric):
    """Precision, recall, density and coverage, from balls around samples in feature space.

    The ball of a sample reaches to its k-th nearest neighbour in its own set, and includes its surface,
    as in the equations of the papers. The paper on precision and recall has k = 3; here k is
    the same for all four. All depend on the number of samples; the details hold those in use.
    Precision and recall suffer from outliers, whose balls are large; density and coverage less so.
    """

    type: Literal["prdc"] = "prdc"
    paper = (
        "Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models,"
        " 2019, arXiv:1904.06991; Naeem et al., Reliable Fidelity and Diversity Metrics for Generative"
        " Models, 2020, arXiv:2002.09797"
    )
    quantities = (
        Quantity(
            "precision",
            "higher",
            "Fraction of generated samples within the ball of a reference sample, from 0 to 1.",
        ),
        Quantity(
            "recall",
            "higher",
            "Fraction of reference samples within the ball of a generated sample, from 0 to 1.",
            "variety",
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
            "variety",
        ),
    )
    k: int = Field(default=5, ge=1, le=50, description="Which neighbour a ball reaches to, from 1.")
    max_samples: int = Field(
        default=10_000, ge=100, description="Most samples of each set to use, drawn at random."
    )

    def measure(self, inputs: MetricInputs) -> MetricResult:
        import numpy as np

        generated, reference = (
            _drawn(features, self.max_samples, derive_seed(inputs.seed, "prdc", which))
            for which, features in enumerate(pair_of_features(inputs, least=self.k + 1))
        )
        around_generated = squared_radii(generated, self.k)
        around_reference = squared_radii(reference, self.k)

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
            "density": pairs / (self.k * len(generated)),
            "coverage": covered.mean(),
        }
        return finite_result(values, {"generated": len(generated), "reference": len(reference)})


class Memorization(CoreMetric):
    """Memorization: whether generated samples are nearer to training samples than held-out ones are.

    Distances are Euclidean, of features, to the nearest training sample. Reference samples are the
    held-out ones: they must not have been trained on, and must come from the same distribution.
    ``data_copying`` is the paper's test over all samples at once, corrected for ties; the paper
    also averages it over cells of the feature space. It grows with the number of samples; the
    details hold the fraction of pairs it is computed from, which does not.
    """

    type: Literal["memorization"] = "memorization"
    paper = (
        "Meehan et al., A Non-Parametric Test to Detect Data-Copying in Generative Models, 2020,"
        " arXiv:2004.05675"
    )
    needs_training_samples = True
    quantities = (
        Quantity(
            "copies",
            "lower",
            "Fraction of generated samples no farther from a training sample than the nearest held-out"
            " samples are, from 0 to 1; about the quantile if nothing is copied.",
            "copies",
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

    def measure(self, inputs: MetricInputs) -> MetricResult:
        """Compare distances to the nearest training sample of generated and of held-out samples."""
        import numpy as np

        if inputs.training is None:
            raise NotMeasurable(
                "there are no training samples apart from the reference to compare with"
            )
        training = inputs.training.usable_features("training", least=1)
        generated = inputs.generated.usable_features("generated", least=LEAST_GENERATED)
        held_out = inputs.reference.usable_features("held-out", least=math.ceil(1 / self.quantile))
        _, of_generated = nearest(generated, training)
        _, of_held_out = nearest(held_out, training)
        threshold = float(np.quantile(of_held_out, self.quantile))
        z, fraction = rank_test(of_generated, of_held_out)
        values = {"copies": (of_generated <= threshold).mean(), "data_copying": z}
        details = {
            "threshold": threshold,
            "median_distance": float(np.median(of_generated)),
            "median_distance_held_out": float(np.median(of_held_out)),
            "farther_than_held_out": fraction,
        }
        return finite_result(values, details)


def squared_distances(x: Array, y: Array, block: int = BLOCK) -> Iterator[tuple[slice, Array]]:
    """Yield slices of the rows of x (N, d), each with their squared distances to y (M, d): (rows, M).

    ``block`` is the number of distances to hold at a time.
    """
    import numpy as np

    center = y.mean(axis=0)
    y = y - center
    y_norms = np.einsum("md,md->m", y, y)
    rounding = (x.shape[1] + 8) * np.finfo(np.float64).eps
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        some = x[part] - center
        norms = np.einsum("nd,nd->n", some, some)[:, None] + y_norms
        squared = some @ y.T
        squared *= -2
        squared += norms
        norms *= rounding
        squared[squared <= norms] = 0
        yield part, squared


def nearest(x: Array, y: Array) -> tuple[Counts, Array]:
    """Return which row of y is nearest to each row of x, (N,), and its distance, (N,)."""
    import numpy as np

    which = np.empty(len(x), dtype=np.int64)
    distances = np.empty(len(x))
    for part, squared in squared_distances(x, y):
        which[part] = squared.argmin(axis=1)
        distances[part] = np.sqrt(squared.min(axis=1))
    return which, distances


def squared_radii(x: Array, k: int) -> Array:
    """Return the squared distance of each row of x to its k-th nearest other row, (N,)."""
    import numpy as np

    radii = np.empty(len(x))
    for part, squared in squared_distances(x, x):
        itself = np.arange(part.start, part.stop)
        squared[itself - part.start, itself] = np.inf
        radii[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return radii


def rank_test(x: Array, y: Array) -> tuple[float, float]:
    """Compare numbers x (n,) and y (m,) by ranks (Mann-Whitney), corrected for ties.

    Return the z-score, above 0 if x tends to be larger, and the fraction of pairs in which x is larger,
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


def _drawn(features: Array, count: int, seed: int) -> Array:
    """Return random rows in their order: the first ones may all be of one class."""
    import numpy as np

    if len(features) <= count:
        return features
    return features[np.sort(np.random.default_rng(seed).permutation(len(features))[:count])]
