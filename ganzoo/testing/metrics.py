"""Checks of metrics, on points from eight round Gaussians that are also classes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import (
    FeatureExtractor,
    Features,
    Metric,
    MetricInputs,
    MetricResult,
    Mixture,
)
from ganzoo.errors import NotMeasurable
from ganzoo.testing.faults import check, require

MODES = 8
SAMPLES = 400


@check
def check_values(metric: Metric, inputs: MetricInputs | None = None) -> None:
    """There is a finite number for each quantity, and for no other; details are JSON.

    Args:
        metric: what is checked.
        inputs: samples on which it has a value, where the usual ones give it none.
    """
    measurement = _measure(metric, inputs or some_inputs())
    require(
        isinstance(measurement, MetricResult),
        f"what is measured is a {type(measurement).__name__}; it must be a MetricResult",
    )
    expected = [quantity.name for quantity in metric.quantities]
    require(
        sorted(measurement.values) == sorted(expected),
        f"values are there for {sorted(measurement.values)}; 'quantities' says {sorted(expected)}",
    )
    for name, value in measurement.values.items():
        require(
            isinstance(value, int | float) and math.isfinite(value),
            f"{name} is {value!r}; it must be a finite float, or NotMeasurable be raised",
        )
    json.dumps(dict(measurement.details), allow_nan=False)


@check
def check_order(metric: Metric, inputs: MetricInputs | None = None) -> None:
    """The order of samples makes no difference beyond that of the seed, where subsets are drawn."""
    inputs = inputs or some_inputs()
    seeds = [_measure(metric, replace(inputs, seed=seed)) for seed in range(4)]
    shuffled = _measure(
        metric,
        replace(
            inputs,
            generated=_shuffled(inputs.generated),
            reference=_shuffled(inputs.reference),
            training=None if inputs.training is None else _shuffled(inputs.training),
        ),
    )
    for name, value in shuffled.values.items():
        drawn = [each.values[name] for each in seeds]
        slack = 1e-6 * max(abs(drawn[0]), 1e-3) + 5 * (max(drawn) - min(drawn))
        require(
            abs(value - drawn[0]) <= slack,
            f"{name} is {drawn[0]:.6g}, and {value:.6g} for the same samples in another order; the"
            " order must make no difference",
        )


@check
def check_repeats(metric: Metric, inputs: MetricInputs | None = None) -> None:
    """The same inputs give the same numbers, whatever torch's and numpy's seeds are."""
    inputs = inputs or some_inputs()
    found = []
    state = np.random.get_state()  # noqa: NPY002 - the one a metric must not draw from
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - as above
            found.append(dict(_measure(metric, inputs).values))
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above
    require(
        found[0] == found[1],
        f"the same inputs give {found[0]}, then {found[1]}; what is random must come from the"
        " inputs's 'seed'",
    )


@check
def check_needs(metric: Metric, inputs: MetricInputs | None = None) -> None:
    """What the metric does not say that it needs may be missing."""
    inputs = inputs or some_inputs()
    if not metric.needs_logits:
        bare = [replace(each, logits=None) for each in (inputs.generated, inputs.reference)]
        inputs = replace(inputs, generated=bare[0], reference=bare[1])
    if not metric.needs_training_samples:
        inputs = replace(inputs, training=None)
    _measure(metric, inputs)
    try:
        build = metric.build()
        build(replace(inputs, mixture=None))
    except NotMeasurable as reason:
        require(str(reason), "NotMeasurable is raised without a reason; it must say why")


@check
def check_few_samples(metric: Metric) -> None:
    """From one sample, or from equal ones, comes a finite number or NotMeasurable, with a reason."""
    inputs = some_inputs()
    for title, index in (("one sample", [0]), ("equal samples", [0] * 20)):
        few = [_chosen(each, np.array(index)) for each in (inputs.generated, inputs.reference)]
        try:
            measurement = metric.build()(replace(inputs, generated=few[0], reference=few[1]))
        except NotMeasurable as reason:
            require(str(reason), "NotMeasurable is raised without a reason; it must say why")
            continue
        bad = [name for name, value in measurement.values.items() if not math.isfinite(value)]
        require(
            not bad,
            f"{', '.join(bad)} is not finite for {title}; NotMeasurable must be raised instead",
        )


@check
def check_names(metric: Metric) -> None:
    """Quantities are there, have one-word names that differ, and are described."""
    quantities = metric.quantities
    names = [quantity.name for quantity in quantities]
    require(
        names and len(set(names)) == len(names),
        f"quantities are called {names}; there must be at least one, and each name once",
    )
    for quantity in quantities:
        require(
            quantity.name and not any(each.isspace() or each == "@" for each in quantity.name),
            f"a quantity is called {quantity.name!r}; a name has no spaces and no '@'",
        )
        require(
            quantity.description.strip(),
            f"quantity {quantity.name!r} has no description; say what it is, with its range",
        )
        require(
            quantity.better in {None, "lower", "higher"},
            f"of quantity {quantity.name!r}, {quantity.better!r} values are better; it must be"
            " 'lower', 'higher' or None",
        )
    shown = list(metric.names(_Stub()).values())
    require(
        sorted(metric.names(_Stub())) == sorted(names) and len(set(shown)) == len(shown),
        f"'names' gives {shown} for {names}; it must give one name for each quantity",
    )


def some_inputs() -> MetricInputs:
    """Return samples on which usual metrics have a value.

    Features are points near one of eight centers on a circle, a class each; logits tell the classes,
    with some doubt. The generated ones are a little wider.
    """
    angles = 2 * np.pi * np.arange(MODES) / MODES
    centers = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def draw(seed: int, std: float) -> Features:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, MODES, SAMPLES)
        features = centers[labels] + std * rng.standard_normal((SAMPLES, 2))
        distances = np.linalg.norm(features[:, None] - centers[None], axis=2)
        logits = (-(distances**2) / 0.05).astype(np.float32)
        return Features(features, logits, labels.astype(np.int64))

    return MetricInputs(
        generated=draw(0, 0.12),
        reference=draw(1, 0.1),
        training=draw(2, 0.1),
        mixture=Mixture(tuple(tuple(map(float, center)) for center in centers), 0.1),
    )


class _Stub(FeatureExtractor):
    """An extractor that is asked only for its label."""

    type: str = "stub"

    def build(self, sample_shape: tuple[int, ...]) -> torch.nn.Module:
        """Refuse: nothing is extracted."""
        raise NotImplementedError(f"features of samples {sample_shape} are made up")


def _measure(metric: Metric, inputs: MetricInputs) -> MetricResult:
    try:
        return metric.build()(inputs)
    except NotMeasurable as reason:
        require(
            False,
            f"NotMeasurable was raised ({reason}); {len(inputs.generated)} points in"
            f" {MODES} classes must give a value, or skip this check and call it with inputs that"
            " does",
        )
        raise


def _shuffled(samples: Features) -> Features:
    return _chosen(samples, np.random.default_rng(5).permutation(len(samples)))


def _chosen(samples: Features, index: npt.NDArray[np.int64]) -> Features:
    return Features(
        samples.features[index],
        None if samples.logits is None else samples.logits[index],
        None if samples.labels is None else samples.labels[index],
    )
