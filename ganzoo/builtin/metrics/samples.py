"""What every metric asks of its samples first: enough of them, and finite numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.components import Features, MetricInputs, MetricResult
from ganzoo.errors import NotMeasurable

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

LARGEST = 1e60
"""Largest magnitude of a feature that is computed with; the fourth power is far from overflow."""


def features_of(samples: Features, which: str, *, least: int) -> Array:
    """Return features (N, d) in float64.

    Args:
        samples: what the extractor said of them.
        which: what to call them in a message, such as ``generated``.
        least: how many the metric needs.

    Raises:
        NotMeasurable: there are fewer, or some of their features are not finite.
    """
    _refuse_few(samples, which, least)
    features: Array = samples.features.astype(np.float64, copy=False)
    usable = np.abs(features) <= LARGEST  # False for NaN too
    _refuse_unusable(
        usable, f"features of {{}} {which} samples are not finite, or beyond {LARGEST:g}"
    )
    return features


def pair_of_features(inputs: MetricInputs, *, least: int) -> tuple[Array, Array]:
    """Return the features of generated samples (N, d) and of reference samples (M, d).

    Raises:
        NotMeasurable: there are too few of either, or features are not finite.
    """
    generated = features_of(inputs.generated, "generated", least=least)
    return generated, features_of(inputs.reference, "reference", least=least)


def logits_of(samples: Features, which: str, *, least: int) -> npt.NDArray[np.floating[Any]]:
    """Return class logits (N, K), of the precision they have.

    Raises:
        NotMeasurable: the extractor is no classifier, there are fewer samples than ``least``, or
            logits are not finite.
    """
    if samples.logits is None:
        raise NotMeasurable("the extractor gives no class logits")
    _refuse_few(samples, which, least)
    _refuse_unusable(np.isfinite(samples.logits), f"logits of {{}} {which} samples are not finite")
    return samples.logits


def predictions_of(samples: Features, which: str) -> tuple[Counts, int]:
    """Return the class each sample is taken for, (N,), and the number of classes K.

    Raises:
        NotMeasurable: as for ``logits_of``, with at least one sample.
    """
    logits = logits_of(samples, which, least=1)
    return logits.argmax(axis=1), logits.shape[1]


def measurement(
    values: Mapping[str, float], details: Mapping[str, Any] | None = None
) -> MetricResult:
    """Return a measurement of finite numbers.

    Raises:
        NotMeasurable: a value is not finite: the computation overflowed.
    """
    for name, value in values.items():
        if not np.isfinite(value):
            raise NotMeasurable(f"features are so large that {name} overflows")
    return MetricResult({name: float(value) for name, value in values.items()}, details or {})


def _refuse_few(samples: Features, which: str, least: int) -> None:
    if len(samples) < least:
        raise NotMeasurable(f"it needs {least} {which} samples or more, and has {len(samples)}")


def _refuse_unusable(usable: npt.NDArray[np.bool_], complaint: str) -> None:
    """Refuse samples some of whose numbers (N, ...) are of no use."""
    bad = len(usable) - int(np.count_nonzero(usable.all(axis=1)))
    if bad:
        raise NotMeasurable(complaint.format(f"{bad} of {len(usable)}"))
