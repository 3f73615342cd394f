"""Modes of a known mixture of points: which are found, and how many samples are near one."""

from __future__ import annotations

import numpy as np

from ganzoo.builtin.metrics.neighbours import nearest
from ganzoo.builtin.metrics.samples import features_of, measurement
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.errors import NotMeasurable


def modes(inputs: MetricInputs, *, within: float) -> MetricResult:
    """Count modes and samples of high quality.

    Args:
        inputs: the samples; their features are the points.
        within: distance from the nearest centre, in standard deviations of a mode, up to which a
            sample is of high quality.
    """
    if inputs.mixture is None:
        raise NotMeasurable("the data are no known mixture of points")
    points = features_of(inputs.generated, "generated", least=1)
    centers = np.array(inputs.mixture.centers, dtype=np.float64)
    if points.shape[1] != centers.shape[1]:
        raise NotMeasurable(
            f"the mixture has {centers.shape[1]} dimensions and its samples have"
            f" {points.shape[1]} features; they must be the points themselves"
        )
    which, distance = nearest(points, centers)
    good = distance <= within * inputs.mixture.std
    counts = np.bincount(which[good], minlength=len(centers))
    values = {"modes": int((counts > 0).sum()), "high_quality": good.mean()}
    return measurement(values, {"of": len(centers), "samples_per_mode": counts.tolist()})
