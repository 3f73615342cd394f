"""What to evaluate and how: the options of the commands and of the Python API. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Dataset, DatasetInfo, FeatureExtractor, Metric, SampleSpace, SpecModel
from ganzoo.errors import Problem, SpecError
from ganzoo.spec import RunSpec
from ganzoo.spec.overrides import plain_data
from ganzoo.spec.reading import validated
from ganzoo.spec.sections import DEVICE_PATTERN, default_extractor, metric_problems, no_split

Metrics = tuple[Metric, ...]


class EvaluationRequest(SpecModel):
    """What to measure, and where.

    Metrics and extractors are given by name, or as objects with ``type`` and parameters.
    """

    metrics: Annotated[Metrics, Field(strict=False, min_length=1)] | None = Field(
        default=None,
        description="What to measure. Null: what the run's spec says, or what suits the samples.",
    )
    extractor: FeatureExtractor | None = Field(
        default=None, description="What turns samples into features. Null: as for the metrics."
    )
    baseline: bool = Field(
        default=True,
        description="Whether each number comes with that of real samples against real samples.",
    )
    device: str = Field(
        default="auto",
        pattern=DEVICE_PATTERN,
        description="Where to compute: auto, cpu, cuda, cuda:1, mps.",
    )

    @classmethod
    def of(cls, **options: object) -> Self:
        """Return a request with some options; raise ``SpecError`` if one is unknown or not valid."""
        given = plain_data(options)
        for name in ("metrics", "seeds"):  # one may stand for a list of one
            if isinstance(given.get(name), str | int | dict):
                given[name] = [given[name]]
        return validated(cls, given, prefix="evaluation.")

    def chosen(
        self, space: SampleSpace, dataset: Dataset | None = None
    ) -> tuple[Metrics, FeatureExtractor]:
        """Return the metrics and the extractor, or those that suit the samples.

        Raises:
            SpecError: they do not fit the samples.
        """
        extractor = self.extractor or default_extractor(space)
        metrics = self.metrics or _default_metrics(extractor, dataset)
        problems = metric_problems(metrics, extractor, space)
        if problems:
            raise SpecError(problems)
        return metrics, extractor


class RunRequest(EvaluationRequest):
    """What to measure of a run's generator."""

    reference: str | None = Field(
        default=None,
        description="Split to compare with. Null: that of the run's spec, else test if there is one.",
    )
    samples: int = Field(default=10_000, ge=2, description="Samples generated for each seed.")
    seeds: Annotated[tuple[int, ...], Field(strict=False)] = Field(
        default=(0, 1, 2), description="A fresh set of samples is generated for each."
    )
    weights: Literal["ema", "raw"] | None = Field(
        default=None,
        description="Averaged weights, or those of the step. Null: averaged if the run kept them.",
    )
    truncation: float | None = Field(
        default=None,
        description="How far to truncate latents, or the generator's styles. Null: not at all.",
    )

    @field_validator("seeds")
    @classmethod
    def _check_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) < len(seeds):
            raise PydanticCustomError("seeds", "expected one or more seeds, each once")
        return seeds

    def for_run(self, spec: RunSpec, info: DatasetInfo) -> Self:
        """Return the same request with everything that the spec of a run decides.

        Raises:
            SpecError: metrics or extractor do not fit the samples, or the data set has no such split.
        """
        names = ("metrics", "extractor", "reference")
        update = {
            each: getattr(self, each) or getattr(spec.evaluation, each, None) for each in names
        }
        filled = self.model_copy(update=update)
        metrics, extractor = filled.chosen(info.samples, spec.dataset)
        if filled.reference is not None and filled.reference not in info.splits:
            message = no_split(filled.reference, info)
            raise SpecError([Problem("evaluation.reference", message)])
        return filled.model_copy(update={"metrics": metrics, "extractor": extractor})


class ImagesRequest(EvaluationRequest):
    """What to measure of images in files."""

    size: int | None = Field(
        default=None,
        ge=1,
        description="Height and width to resize all images to. Null: they must have one size.",
    )
    mode: Literal["rgb", "grey"] | None = Field(
        default=None,
        description="What to convert all images to. Null: both sets must be grey, or both in colour.",
    )


def _default_metrics(extractor: FeatureExtractor, dataset: Dataset | None) -> Metrics:
    names: Sequence[str]
    if dataset is not None and dataset.default_metrics:
        names = dataset.default_metrics
    elif extractor.type == "inception" and extractor.label == "inception":
        names = ["fid", "kid", "prdc"]
    else:
        names = ["fd", "kd", "prdc"]
    return EvaluationRequest.of(metrics=[*names]).metrics or ()
