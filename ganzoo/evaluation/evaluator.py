"""Evaluating samples: features once, then every metric from them, beside its real-data baseline."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ganzoo.components import (
    FeatureExtractor,
    Features,
    Metric,
    MetricFn,
    MetricInputs,
    MetricResult,
    SampleSpace,
)
from ganzoo.errors import NotMeasurable, in_a_line
from ganzoo.evaluation.features import (
    GENERATED,
    BuiltExtractor,
    cached_features,
    extract,
    provider_of,
    provider_versions,
    quantization_of,
)
from ganzoo.evaluation.samples import RealSource, Reference, Source
from ganzoo.runs.report import (
    Baseline,
    Report,
    Subject,
    Value,
    digest,
    mean_and_std,
    protocol_digest,
)
from ganzoo.utils.devices import numerics
from ganzoo.utils.distributed import is_first

PIPELINE = 1
"""Increased when numbers change though extractor and metric do not."""

ByExtractor = Mapping[str, Features]
"""Features by the key of their extractor."""

Outcome = MetricResult | NotMeasurable

Baselines = Mapping[str, Baseline]
"""Of one metric, by the name of the quantity."""


@dataclass(frozen=True, eq=False)
class _Planned:
    """A metric with the key of its extractor, and that extractor."""

    metric: Metric
    key: str
    extractor: BuiltExtractor

    @cached_property
    def measure(self) -> MetricFn:
        return self.metric.build()  # on first use: some take seconds to import


class Evaluator:
    """Evaluates samples by one protocol, against one reference.

    Metrics and extractor are those that a request has chosen, and so checked, for the samples.
    Extractors are built at once, so that anything wrong with them shows: the one given, and those that
    metrics have of their own. The reference is opened, and its features are computed on the device,
    when they are first needed. Without ``baseline``, real samples are not measured against each other.

    Raises:
        ganzoo.errors.DataError: weights of an extractor are missing or not the expected ones.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        extractor: FeatureExtractor,
        space: SampleSpace,
        reference: Callable[[], Reference],
        device: torch.device,
        *,
        baseline: bool = True,
    ) -> None:
        self._device, self._baseline, self._space = device, baseline, space
        self._open_reference = reference
        self._extractors: dict[str, BuiltExtractor] = {}
        self._plan: list[_Planned] = []
        self._known_baselines: dict[int, dict[_Planned, Baselines]] = {}
        for metric in metrics:
            used = metric.extractor_or(extractor)
            key = used.model_dump_json()
            if key not in self._extractors:
                self._extractors[key] = BuiltExtractor.of(used, space.shape, device)
            self._plan.append(_Planned(metric, key, self._extractors[key]))

    def evaluate(
        self, sources: Mapping[int | None, Source], subject: Subject, versions: Mapping[str, str]
    ) -> Report:
        """Evaluate equally many samples for each seed, or those of files, whose seed is None.

        The versions are of the software that takes part, besides metrics and extractors. On all
        processes but the first, the report has no values.

        Raises:
            ganzoo.errors.EvaluationError: samples or features are not finite.
        """
        began = time.perf_counter()
        problems = []
        outcomes: dict[_Planned, list[Outcome]] = {planned: [] for planned in self._measured}
        count = len(next(iter(sources.values())))
        with numerics(self._device, exact=True):
            for seed, source in sources.items():
                what = GENERATED + (f" (seed {seed})" if len(sources) > 1 else "")
                generated, alike = extract(source, self._extractors, self._device, what)
                if alike:
                    problems.append(f"all {count} {what} are the same")
                reference, training = self._real_features
                for planned, found in outcomes.items():
                    found.append(self._measure(planned, generated, reference, training, seed or 0))
            baselines = self._baselines(count) if self._baseline else {}
        seeds = [seed for seed in sources if seed is not None]
        parts = [part for each in self._plan for part in (each.metric, each.extractor.component)]
        versions = {**versions, **provider_versions(parts)}
        protocols = {planned: self._protocol(planned, count) for planned in self._plan}
        evaluated = {
            "subject": subject.model_dump(mode="json", exclude={"name"}),
            "seeds": seeds,
            "versions": versions,
            "device": self._device.type,
        }
        values: list[Value] = []
        for planned, found in outcomes.items():
            baseline = baselines.get(planned, {})
            values += self._values(planned, found, protocols[planned], evaluated, baseline)
        device = self._device
        gpu = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
        return Report(
            subject=subject,
            reference=self._reference.samples.name,
            seeds=seeds,
            values=values,
            protocols={protocol_digest(protocol): protocol for protocol in protocols.values()},
            problems=problems,
            versions=versions,
            device=f"{device}{gpu}",
            seconds=round(time.perf_counter() - began, 3),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def _measured(self) -> list[_Planned]:
        """The metrics that this process measures: the first has all, the others none."""
        return self._plan if is_first() else []

    @cached_property
    def _reference(self) -> Reference:
        return self._open_reference()

    @cached_property
    def _real_features(self) -> tuple[ByExtractor, ByExtractor]:
        """The features of the reference, and those of the training split that metrics need."""
        needed = {each.key for each in self._plan if each.metric.needs_training_samples}
        training = self._reference.training
        reference = self._features_of(self._reference.samples, self._extractors)
        return reference, {} if training is None else self._features_of(training, needed)

    def _features_of(self, source: RealSource, keys: Collection[str]) -> ByExtractor:
        return {
            key: cached_features(source, extractor, self._device)
            for key, extractor in self._extractors.items()
            if key in keys
        }

    def _measure(
        self,
        planned: _Planned,
        generated: ByExtractor,
        reference: ByExtractor,
        training: ByExtractor,
        seed: int,
    ) -> Outcome:
        inputs = MetricInputs(
            generated=generated[planned.key],
            reference=reference[planned.key],
            training=training.get(planned.key),
            mixture=self._reference.mixture,
            seed=seed,
        )
        try:
            result = planned.measure(inputs)
        except NotMeasurable as reason:
            return reason
        except Exception as error:  # perhaps a plugin's: no reason to end a training of days
            who = f"metric {planned.metric.type!r} of {provider_of(planned.metric)}"
            return NotMeasurable(f"{who} failed: {in_a_line(error)}")
        for name, value in result.values.items():
            if not np.isfinite(value):
                return NotMeasurable(f"{name} came out as {value}")
        return result

    def _baselines(self, count: int) -> dict[_Planned, Baselines]:
        """Measure real samples as if they were generated, by each metric that allows it.

        Samples of the training split take the place of generated ones if the reference is another
        split; otherwise the reference is cut in half.
        """
        if count in self._known_baselines:
            return self._known_baselines[count]
        reference, training = self._real_features[0], self._reference.training
        source = self._reference.samples.name
        if training is not None:
            generated = self._features_of(training.subset(count), self._extractors)
            source = f"{training.name} against {source}"
        else:
            half = min(count, len(self._reference.samples) // 2)
            generated = {key: _rows(each, 0, half) for key, each in reference.items()}
            reference = {key: _rows(each, half, None) for key, each in reference.items()}
            source = f"halves of {source}"
        found: dict[_Planned, Baselines] = {}
        for planned in self._measured:
            if not planned.metric.needs_training_samples:
                outcome = self._measure(planned, generated, reference, {}, 0)
                found[planned] = {
                    each.name: Baseline(
                        value=_number(outcome, each.name),
                        samples=len(generated[planned.key]),
                        reference=len(reference[planned.key]),
                        source=source,
                    )
                    for each in planned.metric.quantities
                }
        self._known_baselines[count] = found
        return found

    def _protocol(self, planned: _Planned, count: int) -> dict[str, Any]:
        """Return everything that makes two numbers comparable."""
        metric, training = planned.metric, self._reference.training
        protocol: dict[str, Any] = {
            "pipeline": PIPELINE,
            "quantisation": quantization_of(self._space),
            "metric": {
                **metric.model_dump(mode="json", exclude={"extractor"}),
                "version": metric.version,
                "provider": provider_of(metric),
            },
            "extractor": dict(planned.extractor.fingerprint),
            "reference": _identity(self._reference.samples),
            "generated": {"count": count},
        }
        if metric.needs_training_samples and training is not None:
            protocol["training"] = _identity(training)
        return protocol

    def _values(
        self,
        planned: _Planned,
        outcomes: Sequence[Outcome],
        protocol: Mapping[str, Any],
        evaluated: Mapping[str, Any],
        baselines: Baselines,
    ) -> list[Value]:
        names = planned.metric.names(planned.extractor.component)
        reasons = [str(each) for each in outcomes if isinstance(each, NotMeasurable)]
        details = next((each.details for each in outcomes if isinstance(each, MetricResult)), {})
        hashed = protocol_digest(protocol)
        baseline = next(iter(baselines.values()), None)
        warnings = self._warnings(planned, protocol["generated"]["count"], baseline)
        values = []
        for quantity in planned.metric.quantities:
            numbers = [_number(each, quantity.name) for each in outcomes]
            mean, std = mean_and_std(numbers)
            values.append(
                Value(
                    name=names[quantity.name],
                    metric=planned.metric.type,
                    description=quantity.description,
                    better=quantity.better,
                    aspect=quantity.aspect,
                    mean=mean,
                    std=std,
                    per_seed=numbers,
                    baseline=baselines.get(quantity.name),
                    reason=reasons[0] if reasons else None,
                    warnings=list(warnings),
                    details=dict(details),
                    protocol=hashed,
                    fingerprint=digest({"protocol": hashed, **evaluated}),
                )
            )
        return values

    def _warnings(self, planned: _Planned, count: int, baseline: Baseline | None) -> list[str]:
        """Return where a number is biased by too few samples, or its baseline by fewer still."""
        reference = self._real_features[0][planned.key]
        width, size = reference.features.shape[1], len(reference)
        wanted = planned.metric.samples_per_feature * width
        warnings = [
            f"{number:,} {which} samples for {width} features: below {wanted:,} the value is too high;"
            " compare it only at the same numbers, and see the baseline"
            for which, number in {"generated": count, "reference": size}.items()
            if number < wanted
        ]
        if baseline is not None and (baseline.samples, baseline.reference) != (count, size):
            warnings.append(
                f"the baseline is of {baseline.samples:,} real samples against"
                f" {baseline.reference:,}, the value of {count:,} against {size:,}: fewer samples make"
                " it worse than it would be"
            )
        warning = self._reference.warning
        return warnings if warning is None else [*warnings, warning]


def _identity(source: RealSource) -> dict[str, Any]:
    """Return how a protocol identifies real samples."""
    return {"samples": source.name, "count": len(source), "sha256": source.sha256}


def _rows(of: Features, begin: int, end: int | None) -> Features:
    """Return some rows, every second one before the others: the order may be by class."""
    order = np.r_[0 : len(of) : 2, 1 : len(of) : 2][begin:end]
    chosen = (each if each is None else each[order] for each in (of.logits, of.labels))
    return Features(of.features[order], *chosen)


def _number(outcome: Outcome, quantity: str) -> float | None:
    return None if isinstance(outcome, NotMeasurable) else float(outcome.values[quantity])
