"""The families of components: everything that a spec can choose and a plugin can add.

A component is a frozen pydantic model. Its ``type`` field is a literal, the name specs use for it;
its other fields are its parameters, each with a description; its docstring says what it is and which
paper it comes from. ``build`` turns it into what the family promises and is the only place where a
component may import torch.

A field annotated with a family (``activation: Activation``) accepts every installed member: as an
object with ``type``, or as its bare name where it has only defaults.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from ganzoo import registry
from ganzoo.errors import did_you_mean

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganzoo.data.store import ImageStore
    from ganzoo.training.game import Game, GameContext

FAMILY_KEY = "x-ganzoo-family"
"""In the JSON Schema of a single model, stands where any member of a family may stand."""


class SpecModel(BaseModel):
    """Base of all parts of a spec: frozen, strictly typed, and unknown keys are refused by name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        use_attribute_docstrings=False,
        allow_inf_nan=False,
        defer_build=True,  # of validators: a command needs those of few components
    )

    @model_validator(mode="before")
    @classmethod
    def _suggest_for_unknown_keys(cls, data: Any) -> Any:
        """Refuse unknown keys before anything else, each with the nearest key that exists."""
        if not isinstance(data, Mapping):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known]
        if unknown:
            choices = ", ".join(key for key in known if key not in {"type", "$schema"})
            raise ValidationError.from_exception_data(
                cls.__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError(
                            "unknown_key",
                            "unknown key{suggestion} (known: {known})",
                            {"suggestion": did_you_mean(str(key), known), "known": choices},
                        ),
                        loc=(str(key),),
                        input=data[key],
                    )
                    for key in unknown
                ],
            )
        return data


class Component(SpecModel):
    """Base of all families. Subclass a family, not this."""

    family: ClassVar[str]
    """Name of the family, as ``ganzoo list`` shows it."""

    paper: ClassVar[str | None] = None
    """Where the component comes from: authors, title, year, and an arXiv number where there is one."""

    _shorthand: ClassVar[str] = "a name"
    """What a spec may say for short, in words."""

    type: str

    @classmethod
    def is_family(cls) -> bool:
        """Say whether this class is a family (an abstract base) and not a member of one."""
        return "family" in cls.__dict__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a family through the registry, and a member as the model it is."""
        if not cls.is_family():
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls._resolve,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Leave a mark where a family stands; ``ganzoo.schema`` puts the installed members there."""
        return {FAMILY_KEY: cls.family} if cls.is_family() else handler(schema)

    @classmethod
    def _resolve(cls, value: Any) -> Component:
        """Turn what a spec says into a member of this family."""
        if isinstance(value, cls):
            return value
        value = cls._from_shorthand(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
            names = registry.active().names(cls.family)
            raise PydanticCustomError(
                "component",
                "expected {shorthand}, or an object with that name as its 'type' (installed: {names})",
                {"shorthand": cls._shorthand, "names": ", ".join(names) or "none"},
            )
        try:
            entry = registry.active().find(cls.family, value["type"])
        except LookupError as error:
            raise PydanticCustomError("component", "{reason}", {"reason": str(error)}) from None
        member: type[Component] = entry.component
        return member.model_validate({**value, "type": entry.name})

    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        """Expand what a spec may say for short; a bare name always stands for its defaults."""
        return {"type": value} if isinstance(value, str) else value


def _dump(component: Component) -> Any:
    """Serialize a member so that the active registry finds the same one again."""
    shorthand = component.to_shorthand() if isinstance(component, Schedule) else None
    if shorthand is not None:
        return shorthand
    return {
        **component.model_dump(mode="json", by_alias=True),
        "type": registry.active().name_of(type(component)),
    }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def choice(name: str, /, *, description: str, **parameters: Any) -> Any:
    """Declare a field whose type is a family, with the default given by name and parameters.

    The name is looked up when the spec is validated, so that a package can default to a component of
    another package without importing it.
    """
    return Field(default={"type": name, **parameters}, description=description)


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read.

    Attributes:
        sample_shape: shape of one sample: (channels, height, width), or (dimensions,) for points.
        num_classes: number of classes, or None where samples have no labels.
        class_names: a name for each class, or None.
        splits: names of the splits there are.
    """

    sample_shape: tuple[int, ...]
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    splits: tuple[str, ...] = ("train",)


class Network(Component):
    """What generators and discriminators share."""

    supports_conditional: ClassVar[bool] = False
    """Whether members of this class can use class labels."""

    conditional: bool = Field(
        default=False, description="Whether the network is told the class of each sample."
    )

    @model_validator(mode="after")
    def _refuse_conditional(self) -> Self:
        if self.conditional and not self.supports_conditional:
            raise PydanticCustomError(
                "conditional",
                "{name} cannot use class labels; leave 'conditional' false or choose another network",
                {"name": repr(self.type)},
            )
        return self

    def check(self, sample_shape: tuple[int, ...], num_classes: int | None) -> None:
        """Refuse sample shapes this network cannot make or read, before anything is built.

        Args:
            sample_shape: (channels, height, width), or (dimensions,) for points.
            num_classes: number of classes, or None for an unconditional network.

        Raises:
            ValueError: the shape cannot be served; the message says which can.
        """


class Generator(Network):
    """A network that turns latents into samples.

    What is built maps ``(z: (N, latent), labels: (N,) int64 or None)`` to ``(N, *sample_shape)`` in
    [-1, 1].
    """

    family: ClassVar[str] = "generator"

    @abstractmethod
    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], num_classes: int | None
    ) -> nn.Module:
        """Build the network, with freshly initialised weights.

        Args:
            latent_dim: number of latent coordinates.
            sample_shape: shape of one sample, as the data set has it.
            num_classes: number of classes where ``conditional`` is set, else None.
        """


class Discriminator(Network):
    """A network that tells real samples from made ones (a critic, for Wasserstein losses).

    What is built maps ``(x: (N, *sample_shape), labels: (N,) int64 or None)`` to raw logits ``(N,)``,
    high for real; never a sigmoid, since losses act on logits.
    """

    family: ClassVar[str] = "discriminator"

    @property
    def joins_batches(self) -> bool:
        """Whether real and fake samples may, and had better, share one forward pass.

        True only where no sample of a batch influences another (no batch norm), and where one large
        pass is faster than two: so for small networks made of matrix products.
        """
        return False

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...], num_classes: int | None) -> nn.Module:
        """Build the network, with freshly initialised weights.

        Args:
            sample_shape: shape of one sample, as the data set has it.
            num_classes: number of classes where ``conditional`` is set, else None.
        """


class Activation(Component):
    """An elementwise function between layers."""

    family: ClassVar[str] = "activation"

    @property
    def init_gain(self) -> tuple[str, float]:
        """Name and parameter for ``torch.nn.init.calculate_gain``; linear where none is known."""
        return ("linear", 0.0)

    @abstractmethod
    def build(self) -> nn.Module:
        """Build a module that maps a tensor of any shape to one of the same shape."""


class Normalization(Component):
    """A layer that normalises activations; ``none`` is one of them."""

    family: ClassVar[str] = "normalization"

    couples_batch: ClassVar[bool] = False
    """Whether samples of one batch influence each other, as in batch norm."""

    def check(self, channels: int, dimensions: int) -> None:
        """Refuse layers this normalization cannot serve; networks ask before anything is built.

        Args:
            channels: number of channels.
            dimensions: number of axes besides samples and channels: 0 or 2.

        Raises:
            ValueError: the layer cannot be served; the message says what can.
        """

    @abstractmethod
    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build the layer for input (N, channels, and ``dimensions`` more axes: 0 or 2)."""


@dataclass(frozen=True)
class AdversarialLoss:
    """The two sides of a game, as pure functions of raw logits (N,), each to a scalar.

    Attributes:
        discriminator: ``(real_logits, fake_logits) -> scalar`` that the discriminator minimises.
        generator: ``(fake_logits, real_logits) -> scalar`` that the generator minimises. The second
            argument is None unless ``generator_needs_real`` is set.
        generator_needs_real: whether the generator's side compares with logits of real samples, as
            relativistic losses do; costs one more pass of the discriminator.
        constrain: applied to the discriminator after each of its steps (weight clipping), or None.
    """

    discriminator: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
    generator_needs_real: bool = False
    constrain: Callable[[nn.Module], None] | None = None


class Loss(Component):
    """An adversarial loss: what each side of the game minimises."""

    family: ClassVar[str] = "loss"

    discriminator_weight: float = Field(
        default=1.0, gt=0, description="Factor on the discriminator's loss."
    )
    generator_weight: float = Field(
        default=1.0, gt=0, description="Factor on the generator's loss."
    )

    @abstractmethod
    def build(self) -> AdversarialLoss:
        """Build both sides, without the weights above: the game applies those."""


@dataclass(frozen=True)
class PenaltyInputs:
    """What a regularizer may look at, all on the training device.

    Attributes:
        discriminator: the network, taking ``(x, labels)`` and giving logits (N,).
        real: real samples (N, *sample_shape), as the discriminator sees them, without gradient.
        fake: made samples of the same shape, without gradient.
        labels: (N,) int64, or None.
        rng: source of randomness on the training device, saved in checkpoints.
    """

    discriminator: nn.Module
    real: torch.Tensor
    fake: torch.Tensor
    labels: torch.Tensor | None
    rng: torch.Generator


Penalty = Callable[[PenaltyInputs], "torch.Tensor"]


ScheduleFunction = Callable[[float], float]


class Schedule(Component):
    """A number that may change in the course of training.

    Where a spec takes a schedule, a plain number is the constant one. What is built maps the progress
    of training, from 0 at the start to 1 at the end, to the number.
    """

    family: ClassVar[str] = "schedule"
    _shorthand: ClassVar[str] = "a number, a name"

    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"type": "constant", "value": value}
        if isinstance(value, str) and _is_number(value):
            raise PydanticCustomError(
                "component", "{text} is a text; write a number", {"text": json.dumps(value)}
            )
        return super()._from_shorthand(value)

    def to_shorthand(self) -> float | None:
        """Return the plain number a spec may write instead, or None where there is none."""
        return None

    @abstractmethod
    def build(self) -> ScheduleFunction:
        """Build the function from progress in [0, 1] to the number."""

    @abstractmethod
    def values(self) -> Iterator[float]:
        """Yield values that bound the schedule, so that a field can check its range."""


class Regularizer(Component):
    """A penalty added to the discriminator's loss."""

    family: ClassVar[str] = "regularizer"

    weight: Schedule = choice("constant", value=1.0, description="Factor on the penalty.")
    every: int = Field(
        default=1,
        ge=1,
        description="Discriminator steps from one use to the next; the penalty is multiplied by this"
        " number, so that its mean strength stays (lazy regularization, Karras et al. 2020).",
    )

    @abstractmethod
    def build(self) -> Penalty:
        """Build the penalty: ``(PenaltyInputs) -> scalar``, without weight and interval."""


class Augmentation(Component):
    """A differentiable change applied to all samples that the discriminator sees."""

    family: ClassVar[str] = "augmentation"

    @abstractmethod
    def build(self) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor]:
        """Build ``(x: (N, C, H, W) in [-1, 1], rng) -> x`` of the same shape."""


class Latent(Component):
    """A distribution of latents.

    What is built is a module ``(n: int, rng: torch.Generator) -> (n, dim)`` on the device of ``rng``.
    It may hold parameters (a learnable prior); they are then trained together with the generator's.
    """

    family: ClassVar[str] = "latent"

    dim: int = Field(default=100, ge=1, description="Number of latent coordinates.")

    def truncated(self, threshold: float) -> Latent:
        """Return the same distribution cut off for sampling.

        Where the sampler has parameters, what the result builds takes over the trained ones.

        Args:
            threshold: how much of the distribution is kept; what it means is the member's to say.

        Raises:
            ValueError: this distribution cannot be truncated, or not by that threshold.
        """
        raise ValueError(f"latents of type {self.type!r} cannot be truncated by {threshold}")

    @abstractmethod
    def build(self) -> nn.Module:
        """Build the sampler."""


class Optimizer(Component):
    """A rule that updates weights by their gradients."""

    family: ClassVar[str] = "optimizer"

    lr: Schedule = choice("constant", value=2e-4, description="Learning rate.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest norm of all gradients of the network together; longer ones are scaled"
        " down to it. Null: no limit.",
    )

    @model_validator(mode="after")
    def _refuse_negative_schedules(self) -> Self:
        for name, schedule in self.schedules().items():
            if min(schedule.values()) < 0:
                raise PydanticCustomError(
                    "negative", "{name} must not become negative", {"name": name}
                )
        return self

    def schedules(self) -> dict[str, Schedule]:
        """Return the scheduled fields; each names a key of the optimizer's parameter groups."""
        return {
            name: value
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Schedule)
        }

    @abstractmethod
    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer; the scheduled numbers are set anew before each of its steps."""


class Dataset(Component):
    """A set of samples, with or without labels.

    Images are stored as uint8, channels first, and trained on in [-1, 1]; points as float32, as is.
    """

    family: ClassVar[str] = "dataset"

    split: str = Field(default="train", description="The split to train on.")
    horizontal_flip: bool = Field(
        default=False, description="Whether each image is mirrored with probability one half."
    )

    @abstractmethod
    def info(self) -> DatasetInfo:
        """Say what the samples are, without torch and without reading all of them.

        Raises:
            ganzoo.errors.DataError: files it needs are missing or unreadable.
        """

    def anchored(self) -> Self:
        """Return the same data set with paths that hold in any working directory.

        Runs keep this form, so that one can be resumed from elsewhere. Members with paths override it.
        """
        return self

    @abstractmethod
    def build(self, split: str) -> ImageStore:
        """Read one split.

        Raises:
            ganzoo.errors.DataError: files are missing, empty or unreadable; the message names them.
        """


class Algorithm(Component):
    """Named networks and one training step: the rules of the game."""

    family: ClassVar[str] = "algorithm"

    @abstractmethod
    def build(self, context: GameContext) -> Game:
        """Build networks and optimizers on the training device."""


FAMILIES: tuple[type[Component], ...] = (
    Algorithm,
    Dataset,
    Latent,
    Generator,
    Discriminator,
    Activation,
    Normalization,
    Loss,
    Regularizer,
    Augmentation,
    Optimizer,
    Schedule,
)
"""All families, in the order in which a reader meets them."""
