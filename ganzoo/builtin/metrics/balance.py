"""Which classes generated samples are taken for."""

from __future__ import annotations

import numpy as np

from ganzoo.builtin.metrics.samples import Array, Counts, measurement, predictions_of
from ganzoo.components import Features, MetricInputs, MetricResult
from ganzoo.errors import NotMeasurable


def balance(inputs: MetricInputs) -> MetricResult:
    """Compare the classes of generated samples with those of reference samples."""
    generated = class_counts(inputs.generated, "generated")
    reference = class_counts(inputs.reference, "reference")
    missing = np.flatnonzero((generated > 0) & (reference == 0))
    if len(missing):
        raise NotMeasurable(
            f"no reference sample is taken for class {missing[0]}, and generated ones are;"
            " the divergence is infinite"
        )
    values = {
        "class_kl": divergence(generated, reference / reference.sum()),
        "classes": int((generated > 0).sum()),
    }
    return measurement(values, {"generated": generated.tolist(), "reference": reference.tolist()})


def modes(inputs: MetricInputs) -> MetricResult:
    """Count the classes that are generated, and compare them with equally likely ones."""
    counts = class_counts(inputs.generated, "generated")
    uniform = np.full(len(counts), 1 / len(counts))
    values = {"modes": int((counts > 0).sum()), "mode_kl": divergence(counts, uniform)}
    return measurement(values, {"of": len(counts)})


def agreement(inputs: MetricInputs) -> MetricResult:
    """Compare the classes of generated samples with those that were asked for."""
    share = _agreement(inputs.generated, "generated")
    details = {}
    if inputs.reference.labels is not None:
        details["reference"] = _agreement(inputs.reference, "reference")
    return measurement({"class_agreement": share}, details)


def class_counts(samples: Features, which: str) -> Counts:
    """Return how many samples are taken for each class, (K,)."""
    predicted, classes = predictions_of(samples, which)
    return np.bincount(predicted, minlength=classes)


def divergence(counts: Counts, probabilities: Array) -> float:
    """Return KL(counts / total ‖ probabilities) in nats; counts are 0 where probabilities are."""
    there = counts > 0
    share = counts[there] / counts.sum()
    kl = float((share * np.log(share / probabilities[there])).sum())
    return max(kl, 0.0)


def _agreement(samples: Features, which: str) -> float:
    predicted, classes = predictions_of(samples, which)
    if samples.labels is None:
        raise NotMeasurable(f"{which} samples have no classes that were asked for")
    if samples.labels.min() < 0 or samples.labels.max() >= classes:
        raise NotMeasurable(
            f"labels of {which} samples go from {samples.labels.min()} to {samples.labels.max()},"
            f" and the extractor knows the classes 0 to {classes - 1}"
        )
    return float((predicted == samples.labels).mean())
