"""What a classifier predicts for generated samples: how surely, which classes, and how often.

The classifier score is not computed by torchmetrics, whose InceptionScore makes fewer splits than asked
for if samples do not divide evenly, warns of a single split, and gives NaN if the probability of a class
underflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import (
    CoreMetric,
    OfInception,
    finite_result,
    predictions_of,
)
from ganzoo.components import Features, MetricInputs, MetricResult, Quantity
from ganzoo.errors import NotMeasurable
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.builtin.metrics.common import Array, Counts


class _Score(CoreMetric):
    needs_logits = True
    paper = "Salimans et al., Improved Techniques for Training GANs, 2016, arXiv:1606.03498"
    splits: int = Field(
        default=10,
        ge=1,
        description="Random parts of the samples over which the mean is taken; each needs two samples.",
    )

    def measure(self, inputs: MetricInputs) -> MetricResult:
        import numpy as np

        logits = inputs.generated.usable_logits("generated", least=2 * self.splits)
        logits = logits.astype(np.float64, copy=False)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rng = np.random.default_rng(derive_seed(inputs.seed, "classifier score"))
        # At random, since samples of conditional generators may be in the order of their classes.
        parts = np.array_split(log_p[rng.permutation(len(log_p))], self.splits)
        scores = np.array([_split_score(part) for part in parts])
        details = {"std_over_splits": float(scores.std())}
        return finite_result({self.quantities[0].name: scores.mean()}, details)


class ClassifierScore(_Score):
    """Classifier score: exp of the mean divergence between p(y|x) and p(y).

    High if a classifier is sure of each generated sample and all classes occur. It does not look at
    reference samples, so it sees neither a lack of variety within a class nor copies. The details
    hold the standard deviation over the splits.
    """

    type: Literal["classifier_score"] = "classifier_score"
    quantities = (Quantity("classifier_score", "higher", "From 1 to the number of classes."),)


class InceptionScore(OfInception, _Score):
    """Inception score (IS): the classifier score as published, for Inception and its 1,008 logits.

    The order of the samples is random, as in later implementations.
    """

    type: Literal["inception_score"] = "inception_score"
    general = "classifier_score"
    quantities = (Quantity("inception_score", "higher", "From 1 to the number of classes."),)


class ClassBalance(CoreMetric):
    """Class balance: whether classes are generated as often as they occur.

    A classifier counts the classes of both generated and reference samples, so that its own
    preferences affect both alike. The details hold both counts. There is no value if a class is
    predicted for generated samples only.
    """

    type: Literal["class_balance"] = "class_balance"
    needs_logits = True
    quantities = (
        Quantity(
            "class_kl",
            "lower",
            "KL divergence of the classes of generated samples from those of reference samples, in"
            " nats, from 0 up; 0 if they are equally frequent.",
            "classes",
        ),
        Quantity("classes", "higher", "Classes generated at all, from 1 to the number of classes."),
    )

    def measure(self, inputs: MetricInputs) -> MetricResult:
        generated = _class_counts(inputs.generated, "generated")
        reference = _class_counts(inputs.reference, "reference")
        missing = ((generated > 0) & (reference == 0)).nonzero()[0]
        if len(missing):
            raise NotMeasurable(
                f"class {missing[0]} is predicted for generated samples but for no reference sample;"
                " the divergence is infinite"
            )
        values = {
            "class_kl": _divergence(generated, reference / reference.sum()),
            "classes": int((generated > 0).sum()),
        }
        details = {"generated": generated.tolist(), "reference": reference.tolist()}
        return finite_result(values, details)


class ClassAgreement(CoreMetric):
    """Class agreement: whether a conditional generator generates the classes it is asked for.

    The details hold the same fraction for reference samples, if these have labels: no more can be
    expected.
    """

    type: Literal["class_agreement"] = "class_agreement"
    needs_logits = True
    quantities = (
        Quantity(
            "class_agreement",
            "higher",
            "Fraction of generated samples predicted to be of the class asked for, from 0 to 1.",
            "classes",
        ),
    )

    def measure(self, inputs: MetricInputs) -> MetricResult:
        values = {"class_agreement": _agreeing(inputs.generated, "generated")}
        if inputs.reference.labels is None:
            return finite_result(values)
        return finite_result(values, {"reference": _agreeing(inputs.reference, "reference")})


def _split_score(log_p: Array) -> float:
    """Return exp(mean KL(p(y|x) ‖ p(y))), p(y) being the mean of p(y|x), for log p(y|x) (N, K)."""
    import numpy as np

    largest = log_p.max(axis=0)
    log_marginal = largest + np.log(np.exp(log_p - largest).mean(axis=0))
    divergence = (np.exp(log_p) * (log_p - log_marginal)).sum(axis=1)
    return float(np.exp(divergence.mean()))


def _class_counts(samples: Features, which: str) -> Counts:
    """Return how many samples are predicted to be of each class, (K,)."""
    import numpy as np

    predicted, classes = predictions_of(samples, which)
    return np.bincount(predicted, minlength=classes)


def _divergence(counts: Counts, probabilities: Array) -> float:
    """Return KL(counts / total ‖ probabilities) in nats; counts are 0 where probabilities are."""
    import numpy as np

    present = counts > 0
    frequencies = counts[present] / counts.sum()
    kl = float((frequencies * np.log(frequencies / probabilities[present])).sum())
    return max(kl, 0.0)


def _agreeing(samples: Features, which: str) -> float:
    """Return the fraction of samples whose predicted class is their label."""
    predicted, classes = predictions_of(samples, which)
    if samples.labels is None:
        raise NotMeasurable(f"{which} samples have no classes that were asked for")
    if samples.labels.min() < 0 or samples.labels.max() >= classes:
        raise NotMeasurable(
            f"labels of {which} samples go from {samples.labels.min()} to {samples.labels.max()},"
            f" and the extractor knows the classes 0 to {classes - 1}"
        )
    return float((predicted == samples.labels).mean())
