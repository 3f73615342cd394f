"""RunSpec, the whole of a spec."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field, field_validator, model_validator
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
    Regularizer,
    SpecModel,
    choice,
)
from ganzoo.components.registry import Provider, active
from ganzoo.errors import Problem, SpecError
from ganzoo.spec.sections import Evaluation, Output, Training, no_split


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
    evaluation: Evaluation | None = Field(
        default=None,
        description="How good the samples are, measured while training goes on. Null: not measured.",
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
            problems.append(Problem("dataset.split", no_split(self.dataset.split, info)))
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
        if self.evaluation is not None:
            problems += self.evaluation.problems(info)
        if problems:
            raise SpecError(problems)
        return info

    def with_absolute_paths(self) -> Self:
        """Return the same run with paths that hold in any working directory."""
        evaluation = None if self.evaluation is None else self.evaluation.with_absolute_paths()
        return self.model_copy(
            update={"dataset": self.dataset.with_absolute_paths(), "evaluation": evaluation}
        )

    def num_classes(self, info: DatasetInfo) -> int | None:
        """Return the number of classes the networks are told of, or None where they are not."""
        return info.num_classes if self.generator.conditional else None

    def to_json(self) -> dict[str, Any]:
        """Return the resolved spec, every default written out; it loads as it is."""
        return self.model_dump(mode="json", by_alias=True, exclude={"schema_"})

    def components(self) -> list[Component]:
        """Return all components of this spec."""
        return [component for _, component in _components(self, "")]

    def providers(self) -> dict[str, Provider]:
        """Return where each component of this spec comes from, by its path in the spec."""
        entries = {path: active().entry_of(type(each)) for path, each in _components(self, "")}
        return {path: entry.provider for path, entry in entries.items() if entry is not None}


def _components(value: Any, path: str) -> list[tuple[str, Component]]:
    found: list[tuple[str, Component]] = []
    if isinstance(value, Component):
        found.append((path, value))
    if isinstance(value, SpecModel):
        for name in type(value).model_fields:
            found += _components(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            found += _components(item, f"{path}.{index}")
    return found
