"""How tests measure: a metric by its name, on features as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ganzoo.components import Features, Metric, MetricInputs, MetricResult, registry

Measure = Callable[..., MetricResult]
"""``(name, generated, reference, **more) -> MetricResult``: see ``measure``."""


def make_metric(name: str, **parameters: Any) -> Metric:
    """Make a metric of the core without an extractor, which measuring does not ask for."""
    component = registry.active().find("metric", name).component
    made: Metric = component(**{"extractor": None, **parameters})
    return made


def samples(given: Any) -> Features | None:
    """Take an array for features."""
    return Features(given) if isinstance(given, np.ndarray) else given


@pytest.fixture(scope="session")
def metric() -> Callable[..., Metric]:
    """Make a metric: ``(name, **parameters)``."""
    return make_metric


@pytest.fixture(scope="session")
def measure() -> Measure:
    """Measure features, or samples; parameters of the metric go by their names."""

    def measure(
        name: str,
        generated: Any,
        reference: Any = None,
        *,
        training: Any = None,
        mixture: Any = None,
        seed: int = 0,
        **parameters: Any,
    ) -> MetricResult:
        reference = generated if reference is None else reference
        inputs = MetricInputs(
            samples(generated), samples(reference), samples(training), mixture, seed
        )
        return make_metric(name, **parameters).build()(inputs)

    return measure
