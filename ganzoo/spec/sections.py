"""The sections of a spec that are not components: training, evaluation and output."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import (
    DatasetInfo,
    FeatureExtractor,
    Metric,
    Quantity,
    SampleSpace,
    Schedule,
    SpecModel,
    component_field,
)
from ganzoo.components.evaluation import matches_quantity
from ganzoo.components.registry import active
from ganzoo.errors import Problem, did_you_mean
from ganzoo.spec.durations import Duration

DEVICE_PATTERN = r"^(auto|cpu|mps|cuda(:\d+)?)$"
"""How a device is named in a spec and in a request."""


class EMA(SpecModel):
    """An exponential moving average of weights, with which samples are then generated."""

    decay: Schedule = component_field(
        "constant", value=0.999, description="Fraction of the average that each step keeps."
    )
    ramp_up: bool = Field(
        default=True,
        description="Whether the decay starts small: min(decay, (1 + step) / (10 + step)).",
    )

    @field_validator("decay")
    @classmethod
    def _check_decay(cls, decay: Schedule) -> Schedule:
        if not all(0 <= value < 1 for value in decay.values()):
            raise PydanticCustomError("decay", "must stay in [0, 1)")
        return decay


MOVED = frozenset(
    ("discriminator_optimizer", "discriminator_steps", "generator_optimizer", "reuse_fakes")
)
"""Fields that ganzoo 0.1 had in ``training`` and that are keys of the algorithm since."""


class Training(SpecModel):
    """How the networks are trained."""

    duration: Duration = Field(
        default=Duration(10_000, "steps"),
        description='How long, as "20 epochs", "3000 steps" (of the generator) or "200k images"'
        " (real ones shown).",
    )
    batch_size: int = Field(
        default=64, ge=1, description="Real samples in each discriminator step."
    )
    last_batch: Literal["drop", "keep"] = Field(
        default="drop",
        description="Whether the smaller batch that is left at the end of an epoch is used.",
    )
    accumulation: int = Field(
        default=1,
        ge=1,
        description="Parts a batch is split in to save memory; gradients are summed over them.",
    )
    freeze: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(),
        description="Patterns of names of weights that are not trained, such as generator.layers.0.*; a"
        " name is that of the network, a dot, and that of the parameter.",
    )
    ema: EMA | None = Field(
        default_factory=EMA,
        description="Moving average of the weights that samples are generated with. Null: none, the last"
        " weights are used.",
    )
    precision: Literal["float32", "bfloat16", "float16", "float64"] = Field(
        default="float32",
        description="Number format; bfloat16 and float16 mean automatic mixed precision.",
    )
    compile: bool = Field(
        default=False, description="Whether networks are compiled with torch.compile."
    )
    deterministic: bool = Field(
        default=False,
        description="Whether only deterministic algorithms are used. On a CPU runs with as many threads"
        " always repeat; on CUDA this costs speed.",
    )
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        default="auto",
        description="Threads that a CPU computes with. 'auto' times a few steps first, since fewer are"
        " often faster, and a run keeps its number; with 'deterministic' it means torch's default.",
    )
    loading: Literal["auto", "memory", "workers"] = Field(
        default="auto",
        description="Where samples wait: 'memory' of the training device, or streamed by 'workers';"
        " 'auto' streams only sets of more than 512 MiB.",
    )
    workers: int = Field(
        default=2,
        ge=1,
        le=256,
        description="Worker processes that read samples where they are streamed.",
    )

    @field_validator("threads", mode="wrap")
    @classmethod
    def _check_threads(cls, value: Any, handler: Callable[[Any], Any]) -> Any:
        """Say both in one message what is possible."""
        try:
            return handler(value)
        except ValidationError:
            message = "must be 'auto' or a number from 1 to 1024"
            raise PydanticCustomError("threads", message) from None

    @classmethod
    def _hint(cls, key: str) -> str | None:
        """Return where a field of ganzoo 0.1 has gone, or one that may be meant."""
        nearest = difflib.get_close_matches(key, sorted(MOVED), n=1)
        if not nearest:
            return None
        (name,) = nearest
        found = f"write {name!r} beside 'training', not in it"
        return found if key == name else f"unknown key; did you mean {name!r}? If so, {found}"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_size % self.accumulation:
            raise PydanticCustomError(
                "accumulation",
                "batch_size {batch} cannot be split in {parts} equal parts (accumulation)",
                {"batch": self.batch_size, "parts": self.accumulation},
            )
        return self


class Output(SpecModel):
    """What a run leaves behind, and how often."""

    directory: str = Field(
        default="runs", description="Folder in which the run directory <name>-<n> is made."
    )
    log_every: Duration = Field(
        default=Duration(50, "steps"),
        description="Time from one line of metrics.jsonl to the next.",
    )
    samples_every: Duration = Field(
        default=Duration(500, "steps"), description="Time from one grid of samples to the next."
    )
    samples: int = Field(
        default=64, ge=1, le=1024, description="Samples in a grid, from latents fixed for the run."
    )
    checkpoint_every: Duration = Field(
        default=Duration(1_000, "steps"), description="Time from one checkpoint to the next."
    )
    keep_checkpoints: int = Field(
        default=2, ge=1, description="How many of the newest checkpoints are kept."
    )


class Evaluation(SpecModel):
    """How good the samples are, measured during training.

    ``ganzoo evaluate`` measures the same after training by default, with more samples and more seeds.
    """

    metrics: Annotated[tuple[Metric, ...], Field(strict=False, min_length=1)] = Field(
        default=({"type": "fd"},),  # type: ignore[arg-type] # validated like a spec's own
        description="What to measure.",
    )
    extractor: FeatureExtractor | None = Field(
        default=None,
        description="What turns samples into features. Null: inception for images, else identity, the"
        " numbers themselves.",
    )
    reference: str | None = Field(
        default=None,
        description="Split that samples are compared with. Null: test if the data set has it, else the"
        " training split.",
    )
    samples: int = Field(
        default=2_000, ge=2, le=100_000_000, description="Samples generated for each evaluation."
    )
    every: Duration = Field(
        default=Duration(2_000, "steps"),
        description="Time from one evaluation to the next; there is one at the end of training, too.",
    )
    best: str | None = Field(
        default=None,
        description="Quantity by which the best checkpoint is chosen and kept, such as fd, or in full"
        " fd@lenet-mnist. Null: the first that has a better end.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Evaluations in a row without a new best after which training stops. Null: it never"
        " stops early.",
    )

    def with_absolute_paths(self) -> Self:
        """Return the same evaluation with absolute paths."""
        metrics = tuple(
            metric
            if metric.extractor is None
            else metric.model_copy(update={"extractor": metric.extractor.with_absolute_paths()})
            for metric in self.metrics
        )
        extractor = None if self.extractor is None else self.extractor.with_absolute_paths()
        return self.model_copy(update={"metrics": metrics, "extractor": extractor})

    def extractor_for(self, info: DatasetInfo) -> FeatureExtractor:
        """Return the extractor for metrics without one of their own."""
        if self.extractor is not None:
            return self.extractor
        return default_extractor(info.samples)

    def problems(self, info: DatasetInfo) -> list[Problem]:
        """Return what does not fit the samples of a data set, each with its path in the spec."""
        extractor = self.extractor_for(info)
        found = metric_problems(self.metrics, extractor, info.samples)
        if not found:
            found += self._problems_of_best(extractor)
        if self.reference is not None and self.reference not in info.splits:
            found.append(Problem("evaluation.reference", no_split(self.reference, info)))
        return found

    def _problems_of_best(self, extractor: FeatureExtractor) -> list[Problem]:
        """Return why no best checkpoint could be found."""
        named = [pair for metric in self.metrics for pair in reported(metric, extractor)]
        ranked = [name for name, quantity in named if quantity.better is not None]
        if self.patience is not None and not ranked:
            message = (
                "none of these metrics has a quantity of which lower or higher values are better"
            )
            return [Problem("evaluation.patience", message)]
        if self.best is None:
            return []
        matching = [name for name in ranked if matches_quantity(self.best, name)]
        if len(matching) == 1:
            return []
        known = ", ".join(matching or ranked) or "none"
        problem = (
            "may be any of several; name one"
            if matching
            else f"is not a quantity of these metrics with a better end{did_you_mean(self.best, ranked)}"
        )
        return [Problem("evaluation.best", f"{self.best!r} {problem} (available: {known})")]


def no_split(split: str, info: DatasetInfo) -> str:
    """Say that a data set has no such split, and which it has."""
    return f"the data set has no split {split!r} (available: {', '.join(info.splits)})"


def reported(metric: Metric, extractor: FeatureExtractor) -> list[tuple[str, Quantity]]:
    """Return the quantities of a metric, each with its name in reports."""
    names = metric.names(metric.extractor_or(extractor))
    return [(names[quantity.name], quantity) for quantity in metric.quantities]


def default_extractor(space: SampleSpace) -> FeatureExtractor:
    """Return the default extractor of samples: ``inception`` for images, else ``identity``."""
    name = "inception" if space.kind == "images" else "identity"
    component: FeatureExtractor = active().find("extractor", name).component()
    return component


def metric_problems(
    metrics: Sequence[Metric], extractor: FeatureExtractor, space: SampleSpace
) -> list[Problem]:
    """Return what is wrong with a choice of metrics and extractors, without building anything.

    Args:
        metrics: what to measure.
        extractor: for metrics without an extractor of their own.
        space: what the samples are.
    """
    problems = []
    given: dict[str, int] = {}
    for index, metric in enumerate(metrics):
        path = f"evaluation.metrics.{index}"
        used = metric.extractor_or(extractor)
        where = "evaluation.extractor" if used is extractor else f"{path}.extractor"
        try:
            used.check_space(space)
        except ValueError as error:
            problems.append(Problem(where, str(error)))
            continue
        try:
            metric.check(used)
        except ValueError as error:
            problems.append(Problem(path, str(error)))
            continue
        for name, _ in reported(metric, extractor):
            first = given.setdefault(name, index)
            if first != index:
                message = f"gives {name}, as metric {first} does: two numbers would have one name"
                problems.append(Problem(path, message))
                break
    return list(dict.fromkeys(problems))
