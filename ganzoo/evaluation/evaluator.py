"""Judging samples: features once, then every metric from them, beside its floor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ganzoo.components import (
    Evidence,
    FeatureExtractor,
    Measure,
    Measurement,
    Metric,
    SampleFeatures,
)
from ganzoo.components.registry import active
from ganzoo.errors import NotMeasurable, SpecError, in_a_line
from ganzoo.evaluation.extraction import (
    BuiltExtractor,
    Extracted,
    exact_numerics,
    extract,
    provider_of,
)
from ganzoo.evaluation.features_cache import reference_features
from ganzoo.evaluation.real import RealSet, Reference
from ganzoo.evaluation.samples import QUANTISATION, Labels, SampleSet
from ganzoo.runs.report import (
    Floor,
    Report,
    Subject,
    Value,
    digest,
    mean_of,
    protocol_digest,
    spread_of,
)
from ganzoo.spec.sections import metric_problems
from ganzoo.utils.distributed import is_first

PIPELINE = 1
"""Raised when numbers change though extractor and metric do not."""


@dataclass(frozen=True)
class _Planned:
    """A metric with its extractor."""

    metric: Metric
    extractor: str

    @cached_property
    def measure(self) -> Measure:
        return self.metric.build()  # when it is first used: some take seconds to import


@dataclass(frozen=True)
class _Floored:
    """What a metric says of real samples, and how many these were."""

    found: Measurement | NotMeasurable
    samples: int
    reference: int
    source: str

    def of(self, quantity: str) -> Floor:
        return Floor(
            value=_number(self.found, quantity),
            samples=self.samples,
            reference=self.reference,
            source=self.source,
        )


Features = dict[str, SampleFeatures]
"""By the key of an extractor."""


class Evaluator:
    """Judges sets of samples by one protocol, against one reference.

    The extractors are built at once, so that whatever is wrong with them shows; the features of real
    samples are computed when they are first needed.

    Args:
        metrics: what to measure.
        extractor: what gives features to metrics that name none of their own.
        sample_shape: shape of one sample.
        reference: gives the real samples, when they are needed.
        device: where features are computed.
        floor: whether each number comes with that of real samples against real samples.

    Raises:
        SpecError: a metric is not defined for its extractor, or an extractor cannot read the samples.
        ganzoo.errors.DataError: weights of an extractor are missing or not the ones expected.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        extractor: FeatureExtractor,
        sample_shape: tuple[int, ...],
        reference: Callable[[], Reference],
        device: torch.device,
        *,
        floor: bool = True,
    ) -> None:
        problems = metric_problems(metrics, extractor, sample_shape)
        if problems:
            raise SpecError(problems)
        self._device, self._floor = device, floor
        self._open_reference = reference
        self._extractors: dict[str, BuiltExtractor] = {}
        self._plan: list[_Planned] = []
        self._known_floors: dict[int, dict[int, _Floored]] = {}
        for metric in metrics:
            used = metric.extractor_or(extractor)
            key = used.model_dump_json()
            if key not in self._extractors:
                self._extractors[key] = BuiltExtractor.of(used, sample_shape, device)
            self._plan.append(_Planned(metric, key))

    @cached_property
    def reference(self) -> Reference:
        """What samples are compared with."""
        return self._open_reference()

    def judge(
        self,
        sets: Mapping[int, SampleSet],
        subject: Subject,
        versions: Mapping[str, str],
        *,
        seeded: bool = True,
    ) -> Report:
        """Judge some sets of samples.

        Args:
            sets: samples by seed, all as many.
            subject: what made them.
            versions: of the software that takes part, besides what measures.
            seeded: whether the keys of ``sets`` are seeds; if not there is one set, of files.

        Returns:
            The report; on all processes but the first, one without values.

        Raises:
            ganzoo.errors.EvaluationError: samples or features are not finite.
        """
        began = time.perf_counter()
        problems = []
        found: list[list[Measurement | NotMeasurable]] = []
        with exact_numerics():
            real = self._real_features
            for seed, samples in sets.items():
                which = f"samples of seed {seed}" if seeded else "samples"
                extracted, alike = extract(samples, self._extractors, self._device, which)
                if alike:
                    problems.append(f"all {len(samples)} {which} are the same")
                if is_first():
                    features = _described(extracted, samples.labels)
                    found.append([self._measure(each, features, real, seed) for each in self._plan])
            floors = self._floors(len(next(iter(sets.values())))) if self._floor else {}
        count = len(next(iter(sets.values())))
        protocols = [self._protocol(planned, count) for planned in self._plan]
        versions = {**versions, **self._versions()}
        fingerprinted = {
            "subject": subject.model_dump(mode="json", exclude={"name"}),
            "seeds": list(sets) if seeded else [],
            "versions": versions,
            "device": self._device.type,
        }
        return Report(
            subject=subject,
            reference=self.reference.name,
            seeds=list(sets) if seeded else [],
            values=[
                value
                for index, planned in enumerate(self._plan)
                if is_first()
                for value in self._values(
                    planned,
                    [each[index] for each in found],
                    protocols[index],
                    fingerprinted,
                    floors.get(index),
                )
            ],
            protocols={protocol_digest(protocol): protocol for protocol in protocols},
            problems=problems,
            versions=versions,
            device=describe_device(self._device),
            seconds=round(time.perf_counter() - began, 3),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @cached_property
    def _real_features(self) -> tuple[Features, Features | None]:
        """The features of the reference, and of the split trained on where a metric needs them."""
        reference = self.reference
        real = self._features_of(reference.real, self._extractors)
        needing = {each.extractor for each in self._plan if each.metric.needs_training_samples}
        if reference.training is None or not needing:
            return real, None
        wanted = {key: self._extractors[key] for key in needing}
        return real, self._features_of(reference.training, wanted)

    def _features_of(self, real: RealSet, extractors: Mapping[str, BuiltExtractor]) -> Features:
        extracted = {
            key: reference_features(real.samples, real.sha256, extractor, self._device, real.source)
            for key, extractor in extractors.items()
        }
        return _described(extracted, real.samples.labels) if is_first() else {}

    def _measure(
        self,
        planned: _Planned,
        generated: Features,
        real: tuple[Features, Features | None],
        seed: int,
    ) -> Measurement | NotMeasurable:
        reference, training = real
        evidence = Evidence(
            generated=generated[planned.extractor],
            reference=reference[planned.extractor],
            training=None if training is None else training.get(planned.extractor),
            mixture=self.reference.mixture,
            seed=seed,
        )
        try:
            found = planned.measure(evidence)
        except NotMeasurable as reason:
            return reason
        except Exception as error:  # of a plugin, perhaps: no reason to end the training of days
            who = f"metric {planned.metric.type!r} of {provider_of(planned.metric)}"
            return NotMeasurable(f"{who} failed: {in_a_line(error)}")
        for name, value in found.values.items():
            if not np.isfinite(value):
                return NotMeasurable(f"{name} came out as {value}")
        return found

    def _floors(self, count: int) -> dict[int, _Floored]:
        """Measure real samples as if they had been generated, for each metric that allows it.

        Those of the split that was trained on stand in for generated ones, where that is another split
        than the reference; otherwise the reference is cut in half.
        """
        if count not in self._known_floors:
            reference = self._real_features[0]
            source = self.reference.real.source
            if self.reference.training is not None:
                part = self.reference.training.part(count)
                generated = self._features_of(part, self._extractors)
                source = f"{part.source} against {source}"
            else:
                half = min(count, len(self.reference.real.samples) // 2)
                generated = {key: _rows(each, 0, half) for key, each in reference.items()}
                reference = {key: _rows(each, half, None) for key, each in reference.items()}
                source = f"halves of {source}"
            self._known_floors[count] = {
                index: _Floored(
                    self._measure(planned, generated, (reference, None), 0),
                    len(generated[planned.extractor]),
                    len(reference[planned.extractor]),
                    source,
                )
                for index, planned in enumerate(self._plan)
                if is_first() and not planned.metric.needs_training_samples
            }
        return self._known_floors[count]

    def _protocol(self, planned: _Planned, count: int) -> dict[str, Any]:
        """Return all that makes two numbers comparable."""
        metric, reference = planned.metric, self.reference
        protocol: dict[str, Any] = {
            "pipeline": PIPELINE,
            "quantisation": QUANTISATION,
            "metric": {
                **metric.model_dump(mode="json", exclude={"extractor"}),
                "version": metric.version,
                "provider": provider_of(metric),
            },
            "extractor": dict(self._extractors[planned.extractor].fingerprint),
            "reference": reference.real.described(),
            "generated": {"count": count},
        }
        if metric.needs_training_samples and reference.training is not None:
            protocol["training"] = reference.training.described()
        return protocol

    def _values(
        self,
        planned: _Planned,
        found: Sequence[Measurement | NotMeasurable],
        protocol: Mapping[str, Any],
        subject: Mapping[str, Any],
        floor: _Floored | None,
    ) -> list[Value]:
        metric = planned.metric
        names = metric.names(self._extractors[planned.extractor].component)
        reasons = [str(each) for each in found if isinstance(each, NotMeasurable)]
        details = next((each.details for each in found if isinstance(each, Measurement)), {})
        values = []
        for quantity in metric.quantities:
            numbers = [_number(each, quantity.name) for each in found]
            values.append(
                Value(
                    name=names[quantity.name],
                    metric=metric.type,
                    description=quantity.description,
                    better=quantity.better,
                    mean=mean_of(numbers),
                    std=spread_of(numbers),
                    per_seed=numbers,
                    floor=None if floor is None else floor.of(quantity.name),
                    reason=reasons[0] if reasons else None,
                    warnings=self._warnings(planned, protocol["generated"]["count"], floor),
                    details=dict(details),
                    protocol=protocol_digest(protocol),
                    fingerprint=digest({"protocol": protocol_digest(protocol), **subject}),
                )
            )
        return values

    def _warnings(self, planned: _Planned, count: int, floor: _Floored | None) -> list[str]:
        """Say where a number is biased by too few samples, and where its floor is another's."""
        wanted = planned.metric.samples_per_feature
        real = self._real_features[0][planned.extractor]
        width = real.features.shape[1]
        counts = {"generated": count, "reference": len(real)}
        found = [
            f"{number:,} {which} samples for {width} features: below {wanted * width:,} the value is"
            " too high; compare it only at the same numbers, and see the floor"
            for which, number in counts.items()
            if number < wanted * width
        ]
        if floor is not None and (floor.samples, floor.reference) != (count, len(real)):
            found.append(
                f"the floor is of {floor.samples:,} real samples against {floor.reference:,}, the value"
                f" of {count:,} against {len(real):,}: fewer samples make it worse than it would be"
            )
        warning = self.reference.warning
        return found if warning is None else [*found, warning]

    def _versions(self) -> dict[str, str]:
        """Return the versions of what brings metrics and extractors."""
        parts = (
            [each.metric for each in self._plan],
            [each.component for each in self._extractors.values()],
        )
        entries = [active().entry_of(type(each)) for group in parts for each in group]
        return {each.provider.name: each.provider.version for each in entries if each is not None}


def _described(extracted: Mapping[str, Extracted], labels: Labels | None) -> Features:
    return {
        key: SampleFeatures(each.features.astype(np.float64), each.logits, labels)
        for key, each in extracted.items()
    }


def _rows(of: SampleFeatures, begin: int, end: int | None) -> SampleFeatures:
    """Return every second sample and then the others, from one to another: the order may be by class."""
    order = np.r_[0 : len(of) : 2, 1 : len(of) : 2][begin:end]
    return SampleFeatures(
        of.features[order],
        None if of.logits is None else of.logits[order],
        None if of.labels is None else of.labels[order],
    )


def _number(found: Measurement | NotMeasurable, quantity: str) -> float | None:
    return None if isinstance(found, NotMeasurable) else float(found.values[quantity])


def describe_device(device: torch.device) -> str:
    """Return a device in words."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
