"""The classifier score: how sure a classifier is of single samples, and how unsure of all together.

Not computed by torchmetrics, whose InceptionScore makes fewer splits than asked for where samples do
not divide evenly, warns of one split, and gives NaN where the probability of a class underflows.
"""

from __future__ import annotations

import numpy as np

from ganzoo.builtin.metrics.samples import Array, logits_of, measurement
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.utils.seeds import derive_seed


def score(inputs: MetricInputs, *, name: str, splits: int) -> MetricResult:
    """Measure the score, the mean over random splits.

    Args:
        inputs: the samples.
        name: what to call the quantity.
        splits: parts the samples are divided into, of equal sizes to within one.
    """
    logits = logits_of(inputs.generated, "generated", least=2 * splits)
    log_p = log_softmax(logits.astype(np.float64, copy=False))
    rng = np.random.default_rng(derive_seed(inputs.seed, "classifier score"))
    # At random, since samples of conditional generators may be in the order of their classes.
    parts = np.array_split(log_p[rng.permutation(len(log_p))], splits)
    scores = np.array([split_score(part) for part in parts])
    return measurement({name: scores.mean()}, {"std_over_splits": float(scores.std())})


def split_score(log_p: Array) -> float:
    """Return exp(mean KL(p(y|x) ‖ p(y))), p(y) being the mean of p(y|x), for log p(y|x) (N, K)."""
    largest = log_p.max(axis=0)
    log_marginal = largest + np.log(np.exp(log_p - largest).mean(axis=0))
    divergence = (np.exp(log_p) * (log_p - log_marginal)).sum(axis=1)
    return float(np.exp(divergence.mean()))


def log_softmax(logits: Array) -> Array:
    """Return the logarithms of class probabilities, (N, K)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalized: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalized
