"""What to evaluate and how, with the defaults of the run. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.components import Dataset, FeatureExtractor, Metric
from ganzoo.errors import Problem, SpecError
from ganzoo.spec import RunSpec, parse_evaluation
from ganzoo.spec.sections import default_extractor, metric_problems, no_split

Choice = str | Mapping[str, Any]
"""A component as a spec says it: by its name, or as an object with its type and parameters."""

Weights = Literal["ema", "raw"]


@dataclass(frozen=True)
class Request:
    """What to evaluate, and how.

    Attributes:
        metrics: what to measure.
        extractor: what gives features to metrics that name none of their own.
        reference: split to compare with, or None for ``test`` where there is one.
        samples: how many to make for each seed.
        seeds: a fresh set of samples for each.
        weights: ``ema`` for the averaged weights, ``raw`` for those last trained; None for the averaged
            ones where the run kept some.
        checkpoint: ``last``, ``best`` or a step.
        truncation: cuts the distribution of latents off, or None.
        floor: whether each number comes with that of real samples against real samples.
    """

    metrics: Sequence[Metric]
    extractor: FeatureExtractor
    reference: str | None = None
    samples: int = 10_000
    seeds: Sequence[int] = (0, 1, 2)
    weights: Weights | None = None
    checkpoint: str | int = "last"
    truncation: float | None = None
    floor: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            SpecError: fewer than two samples, no seed, or a seed twice.
        """
        if self.samples < 2:
            raise _refused(
                "samples", f"a distribution takes two samples or more, not {self.samples}"
            )
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise _refused("seeds", "expected one or more seeds, each once")


def request_for_run(
    spec: RunSpec,
    *,
    metrics: Sequence[Choice] | None = None,
    extractor: Choice | None = None,
    reference: str | None = None,
    **others: Any,
) -> Request:
    """Return a request with the defaults of a run: its own ``evaluation``, or what suits its samples.

    Args:
        spec: the run.
        metrics: what to measure, or None for the default.
        extractor: what gives features, or None for the default.
        reference: split to compare with, or None for the default.
        others: further attributes of the request.

    Raises:
        SpecError: there is no such metric, extractor or split, or they do not fit.
    """
    section, info = spec.evaluation, spec.dataset.info()
    if section is not None:
        reference = reference or section.reference
        if metrics is None:
            metrics = [each.model_dump(mode="json") for each in section.metrics]
        if extractor is None and section.extractor is not None:
            extractor = section.extractor.model_dump(mode="json")
    chosen, used = choose(info.sample_shape, metrics, extractor, spec.dataset)
    if reference is not None and reference not in info.splits:
        raise _refused("reference", no_split(reference, info))
    return Request(chosen, used, reference, **others)


def choose(
    sample_shape: tuple[int, ...],
    metrics: Sequence[Choice] | None,
    extractor: Choice | None,
    dataset: Dataset | None = None,
) -> tuple[tuple[Metric, ...], FeatureExtractor]:
    """Return metrics and the extractor, where None stands for what suits the samples.

    Raises:
        SpecError: there is no such metric or extractor, or they do not fit the samples.
    """
    data: dict[str, Any] = {}
    if extractor is not None:
        data["extractor"] = extractor
    used = parse_evaluation(data).extractor or default_extractor(sample_shape)
    if metrics is None:
        metrics = _default_metrics(used, dataset)
    chosen = parse_evaluation({"metrics": list(metrics)}).metrics
    problems = metric_problems(chosen, used, sample_shape)
    if problems:
        raise SpecError(problems)
    return chosen, used


def _default_metrics(extractor: FeatureExtractor, dataset: Dataset | None) -> Sequence[str]:
    if dataset is not None and dataset.mixture() is not None:
        return ("modes", "fd")
    if extractor.type == "inception" and extractor.label == "inception":
        return ("fid", "kid", "prdc")
    return ("fd", "kd", "prdc")


def _refused(field: str, message: str) -> SpecError:
    return SpecError([Problem(f"evaluation.{field}", message)])
