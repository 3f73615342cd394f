"""RunSpec: one run, validated. Nothing here imports torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import (
    Algorithm,
    Augmentation,
    Component,
    Dataset,
    DatasetInfo,
    Discriminator,
    Generator,
    Latent,
    Loss,
    Optimizer,
    Regularizer,
    Schedule,
    SpecModel,
    choice,
)
from ganzoo.durations import Duration
from ganzoo.errors import Problem, SpecError
from ganzoo.registry import Provider, active


class EMA(SpecModel):
    """An exponential moving average of the generator's weights, the ones samples are made from."""

    decay: Schedule = choice(
        "constant", value=0.999, description="Share of the average that each step keeps."
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


class Training(SpecModel):
    """How the networks are trained."""

    duration: Duration = Field(
        default=Duration(20, "epochs"),
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
    discriminator_steps: int = Field(
        default=1, ge=1, description="Discriminator steps for each generator step."
    )
    reuse_fakes: bool = Field(
        default=True,
        description="Whether the generator's step uses the samples of the discriminator's last step"
        " again, instead of making new ones.",
    )
    generator_optimizer: Optimizer = choice("adam", description="Optimizer of the generator.")
    discriminator_optimizer: Optimizer = choice(
        "adam", description="Optimizer of the discriminator."
    )
    ema: EMA | None = Field(
        default_factory=EMA,
        description="Moving average of the generator's weights. Null: none, the last weights are used.",
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
        description="Whether only deterministic algorithms are used. On a CPU runs always repeat;"
        " on CUDA this costs speed.",
    )
    loading: Literal["auto", "memory", "workers"] = Field(
        default="auto",
        description="Where samples wait: 'memory' of the training device, or streamed by 'workers';"
        " 'auto' streams only sets of more than 512 MiB.",
    )
    workers: int = Field(
        default=2, ge=1, description="Worker processes that read samples where they are streamed."
    )

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
        default=Duration(1, "epochs"), description="Time from one grid of samples to the next."
    )
    samples: int = Field(
        default=64, ge=1, le=1024, description="Samples in a grid, from latents fixed for the run."
    )
    checkpoint_every: Duration = Field(
        default=Duration(5, "epochs"), description="Time from one checkpoint to the next."
    )
    keep_checkpoints: int = Field(
        default=2, ge=1, description="How many of the newest checkpoints are kept."
    )


class RunSpec(SpecModel):
    """One run: everything that decides what is trained, how, and what is left behind."""

    schema_: str | None = Field(
        default=None,
        alias="$schema",
        description="Address of a JSON Schema, for editors; not used.",
    )
    name: str = Field(
        default="run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=80,
        description="Name of the run; its directory is called <name>-<n>.",
    )
    description: str = Field(default="", description="What this run is, for people.")
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="Seed of weights, data order and latents."
    )
    requires: dict[str, str] = Field(
        default_factory=dict,
        description="Versions this spec needs, as distribution: specifier, such as"
        ' {"ganzoo-dcgan": ">=0.1"}.',
    )
    dataset: Dataset = Field(description="The samples to learn from.")
    latent: Latent = choice("normal", description="Distribution of the generator's input.")
    generator: Generator = Field(description="The network that makes samples.")
    discriminator: Discriminator = Field(
        description="The network that tells real samples from made ones."
    )
    loss: Loss = choice("bce", description="What the two networks minimise.")
    regularizers: Annotated[tuple[Regularizer, ...], Field(strict=False)] = Field(
        default=(), description="Penalties added to the discriminator's loss."
    )
    augmentation: Augmentation | None = Field(
        default=None,
        description="Change applied to all samples the discriminator sees. Null: none.",
    )
    algorithm: Algorithm = choice("gan", description="Rules of the game.")
    training: Training = Field(
        default_factory=Training, description="How the networks are trained."
    )
    output: Output = Field(
        default_factory=Output, description="What a run leaves behind, and how often."
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where to train: auto, cpu, cuda, cuda:1, mps. Auto takes the first that is there of"
        " cuda, mps and cpu.",
    )

    @field_validator("requires")
    @classmethod
    def _check_requires(cls, requires: dict[str, str]) -> dict[str, str]:
        for name, specifier in requires.items():
            try:
                wanted = SpecifierSet(specifier)
                version = metadata.version(name)
            except InvalidSpecifier:
                reason = f'{name}: {specifier!r} is no version specifier; write such as ">=0.1"'
            except metadata.PackageNotFoundError:
                reason = f"{name} {specifier} is not installed"
            else:
                if wanted.contains(version, prereleases=True):
                    continue
                reason = f"{name} {version} is installed, but this spec needs {specifier}"
            raise PydanticCustomError("requires", "{reason}", {"reason": reason})
        return requires

    @model_validator(mode="after")
    def _check_conditional(self) -> Self:
        if self.generator.conditional != self.discriminator.conditional:
            raise PydanticCustomError(
                "conditional",
                "generator.conditional is {generator} and discriminator.conditional is"
                " {discriminator}; both networks are told the classes, or neither",
                {
                    "generator": str(self.generator.conditional).lower(),
                    "discriminator": str(self.discriminator.conditional).lower(),
                },
            )
        return self

    def check(self) -> DatasetInfo:
        """Check that data set and networks fit together, without building anything.

        Returns:
            What the data set says of itself.

        Raises:
            SpecError: a network cannot serve the samples, or the set has no such split.
            ganzoo.errors.DataError: files the data set needs are missing or unreadable.
        """
        info = self.dataset.info()
        problems = []
        if self.dataset.split not in info.splits:
            splits = ", ".join(info.splits)
            problems.append(
                Problem(
                    "dataset.split",
                    f"there is no split {self.dataset.split!r} (there is: {splits})",
                )
            )
        if self.dataset.horizontal_flip and len(info.sample_shape) != 3:
            problems.append(Problem("dataset.horizontal_flip", "only images can be mirrored"))
        classes = self.num_classes(info)
        for path, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            if network.conditional and info.num_classes is None:
                problems.append(
                    Problem(
                        f"{path}.conditional",
                        f"data set {self.dataset.type!r} has no labels; set it to false",
                    )
                )
            try:
                network.check(info.sample_shape, classes)
            except ValueError as error:
                problems.append(Problem(path, str(error)))
        if problems:
            raise SpecError(problems)
        return info

    def num_classes(self, info: DatasetInfo) -> int | None:
        """Return the number of classes the networks are told of, or None where they are not."""
        return info.num_classes if self.generator.conditional else None

    def to_json(self) -> dict[str, Any]:
        """Return the resolved spec, every default written out; it loads as it is."""
        return self.model_dump(mode="json", by_alias=True, exclude={"schema_"})

    def providers(self) -> dict[str, Provider]:
        """Return where each component of this spec comes from, by its path in the spec."""
        return dict(_providers(self, ""))


def _providers(value: Any, path: str) -> list[tuple[str, Provider]]:
    found: list[tuple[str, Provider]] = []
    if isinstance(value, Component):
        entry = active().entry_of(type(value))
        if entry is not None:
            found.append((path, entry.provider))
    if isinstance(value, SpecModel):
        for name in type(value).model_fields:
            found += _providers(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            found += _providers(item, f"{path}.{index}")
    return found


def parse_spec(data: Any, source: str | None = None) -> RunSpec:
    """Validate a spec given as plain data.

    Args:
        data: what a JSON file holds.
        source: file or recipe it comes from, for messages.

    Raises:
        SpecError: with every problem found, each with its path.
    """
    if not isinstance(data, Mapping):
        raise SpecError([Problem("", "expected a JSON object with the fields of a run")], source)
    try:
        return RunSpec.model_validate(data)
    except ValidationError as error:
        problems = [
            Problem(
                ".".join(map(str, line["loc"])), _message(line["type"], line["msg"], line["input"])
            )
            for line in error.errors(include_url=False)
        ]
        raise SpecError(problems, source) from None


def _message(kind: str, message: str, value: Any) -> str:
    """Say in one sentence what was wrong, with the value where it helps."""
    if kind == "missing":
        return "this field is required"
    if kind == "tuple_type":
        return "expected a list"
    if kind == "string_pattern_mismatch":
        # Only two fields have patterns, and a pattern is nothing to show a person.
        devices = "|cuda" in message
        message = (
            "expected auto, cpu, mps, cuda or a numbered device such as cuda:1"
            if devices
            else "expected letters, digits, dots, dashes and underscores, a letter or digit first"
        )
    message = message[:1].lower() + message[1:]
    if isinstance(value, str | int | float | bool) and kind not in {"component", "unknown_key"}:
        return f"{message}, not {json.dumps(value)}"
    return message


def read_spec_data(text: str, source: str) -> dict[str, Any]:
    """Read the text of a spec.

    Raises:
        SpecError: it is not JSON, has a key twice, or is no object.
    """
    try:
        data = json.loads(text, object_pairs_hook=_refuse_duplicates)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SpecError([Problem("", f"not JSON: {error.msg} at {where}")], source) from None
    except ValueError as error:
        raise SpecError([Problem("", str(error))], source) from None
    except RecursionError:
        raise SpecError([Problem("", "not a spec: it is nested too deeply")], source) from None
    if not isinstance(data, dict):
        raise SpecError([Problem("", "expected a JSON object with the fields of a run")], source)
    return data


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return data


def read_spec_file(path: str | Path) -> dict[str, Any]:
    """Read a spec file, without validating it.

    Raises:
        SpecError: it cannot be read, is not JSON, has a key twice, or is no object.
    """
    try:
        # Some editors begin a file with a byte-order mark.
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpecError([Problem("", f"cannot be read: {error.strerror}")], str(path)) from None
    except UnicodeDecodeError:
        raise SpecError([Problem("", "not JSON: it is no UTF-8 text")], str(path)) from None
    return read_spec_data(text, str(path))


def load_spec_file(path: str | Path) -> RunSpec:
    """Read and validate a spec file.

    Raises:
        SpecError: it cannot be read or is not valid.
    """
    return parse_spec(read_spec_file(path), str(path))


__all__ = [
    "EMA",
    "Output",
    "RunSpec",
    "Training",
    "load_spec_file",
    "parse_spec",
    "read_spec_data",
    "read_spec_file",
]
