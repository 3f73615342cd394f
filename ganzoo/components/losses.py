"""What networks minimize: adversarial losses, auxiliary losses, regularizers, on augmented samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components.base import Component, component_field
from ganzoo.components.data import DatasetInfo
from ganzoo.components.networks import (
    Discriminator,
    DiscriminatorOutput,
    Generator,
    Latent,
    OutputPart,
)
from ganzoo.components.optimization import Schedule
from ganzoo.components.samples import Condition, SampleSpace

if TYPE_CHECKING:
    import torch
    from torch import nn

Side = Literal["discriminator", "generator"]


@dataclass(frozen=True)
class AdversarialLoss:
    """Both sides of an adversarial loss, as pure functions of raw logits, each to a scalar.

    Logits are (N,), or (N, …) where a discriminator gives several for a sample.

    Attributes:
        discriminator: ``(real_logits, fake_logits) -> scalar`` that the discriminator minimizes.
        generator: ``(fake_logits, real_logits) -> scalar`` that the generator minimizes. The second
            argument is None unless ``generator_needs_real`` is set.
        generator_needs_real: whether the generator's side compares with logits of real samples, as
            relativistic losses do; costs one more pass of the discriminator.
        constrain: applied to the discriminator after each of its steps (weight clipping), or None.
    """

    discriminator: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
    generator_needs_real: bool = False
    constrain: Callable[[nn.Module], None] | None = None

    def at(self, progress: float) -> AdversarialLoss:
        """Return the loss at a fraction of training; subclasses may change it as training goes."""
        del progress
        return self


class Loss(Component):
    """An adversarial loss: what each side minimizes."""

    family: ClassVar[str] = "loss"

    discriminator_weight: float = Field(
        default=1.0, gt=0, description="Factor on the discriminator's loss."
    )
    generator_weight: float = Field(
        default=1.0, gt=0, description="Factor on the generator's loss."
    )

    @abstractmethod
    def build(self) -> AdversarialLoss:
        """Build both sides, without the weights above: the algorithm applies those."""


@dataclass(frozen=True)
class Setting:
    """What a part of an algorithm will work with, for its ``check``.

    Attributes:
        data: the description of the data set.
        samples: what the discriminator reads, before packing: the samples of the data set, or its
            sources.
        condition: what the networks are told of each sample, or None.
        discriminator: the discriminator.
        generator: the generator, or None in algorithms without one.
        latent: the distribution of latents, or None in algorithms without one.
        batch_size: samples in a batch.
    """

    data: DatasetInfo
    samples: SampleSpace
    condition: Condition | None
    discriminator: Discriminator
    generator: Generator | None = None
    latent: Latent | None = None
    batch_size: int = 1


@dataclass(frozen=True, kw_only=True)
class LossInputs:
    """What auxiliary losses and regularizers see, all on the training device.

    Attributes:
        side: whose loss is computed. On the discriminator's side fake samples carry no gradient to the
            generator.
        fake: fake samples (N, *sample_shape), before augmentation.
        real: real samples of the same shape, before augmentation.
        fake_output: what the discriminator says about fake samples.
        real_output: what it says about real samples; on the generator's side without gradient, and
            None unless the adversarial loss or an auxiliary loss (``needs_real``) uses it there.
        condition: of both, or None.
        latents: (N, dim), what fake samples were generated from, or None.
        source: what fake samples were translated from, or None.
        discriminator: maps samples before augmentation to a ``DiscriminatorOutput``, for the same
            conditions; another pass through augmentation and network.
        generator: maps ``(latents, condition)`` to samples, or None in algorithms without latents.
        differentiate: maps an output and the samples it is about to the gradient (N, values) of the
            logits at the samples; it can be differentiated again.
        rng: source of randomness on the training device, saved in checkpoints.
    """

    side: Side
    fake: torch.Tensor
    real: torch.Tensor
    fake_output: DiscriminatorOutput
    real_output: DiscriminatorOutput | None
    condition: torch.Tensor | None = None
    latents: torch.Tensor | None = None
    source: torch.Tensor | None = None
    discriminator: Callable[[torch.Tensor], DiscriminatorOutput]
    generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor] | None = None
    differentiate: Callable[[DiscriminatorOutput, torch.Tensor], torch.Tensor]
    rng: torch.Generator

    @cached_property
    def real_gradient(self) -> torch.Tensor:
        """Gradient (N, values) of the logits at real samples, from the pass that the loss made.

        Only for regularizers with ``needs_gradient`` that names ``real``.
        """
        if self.real_output is None:
            raise ValueError("the generator's side has no pass over real samples")
        return self.differentiate(self.real_output, self.real)

    @cached_property
    def fake_gradient(self) -> torch.Tensor:
        """Gradient (N, values) of the logits at fake samples, from the pass that the loss made.

        Only for regularizers with ``needs_gradient`` that names ``fake``.
        """
        return self.differentiate(self.fake_output, self.fake)

    def gradient_at(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the gradient (N, values) of the logits at other samples, with a pass of its own."""
        samples = samples.detach().requires_grad_()
        return self.differentiate(self.discriminator(samples), samples)


class AuxiliaryLoss(Component):
    """A further term of the discriminator's loss, of the generator's, or of both.

    What is built maps ``LossInputs`` to a scalar, without the weight. It is an ``nn.Module`` where
    it has state: buffers are saved in checkpoints, parameters are trained with the discriminator's.
    """

    family: ClassVar[str] = "auxiliary_loss"

    sides: ClassVar[frozenset[Side]] = frozenset({"discriminator", "generator"})
    """The losses that it adds to."""

    needs: ClassVar[frozenset[OutputPart]] = frozenset()
    """Attributes of ``DiscriminatorOutput`` that the discriminator must provide."""

    needs_real: ClassVar[bool] = False
    """Whether ``real_output`` is used on the generator's side; costs one more pass."""

    weight: Schedule = component_field("constant", value=1.0, description="Factor on the term.")

    def check(self, setting: Setting) -> None:
        """Refuse a setting this loss is not defined for, before anything is built.

        Raises:
            ValueError: the message says what is needed.
        """

    @abstractmethod
    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term, for a setting that ``check`` accepted."""


Penalty = Callable[[LossInputs], "torch.Tensor"]


class Regularizer(Component):
    """A penalty added to the discriminator's loss or to the generator's.

    What is built maps ``LossInputs`` to a scalar, without weight and interval. It is an
    ``nn.Module`` where it has state: its buffers are saved in checkpoints.
    """

    family: ClassVar[str] = "regularizer"

    side: ClassVar[Side] = "discriminator"
    """The loss that it is added to."""

    needs_gradient: ClassVar[frozenset[Literal["real", "fake"]]] = frozenset()
    """Samples at which the gradient of the logits is used; they then require a gradient."""

    weight: Schedule = component_field("constant", value=1.0, description="Factor on the penalty.")
    every: int = Field(
        default=1,
        ge=1,
        description="Steps of the network from one use to the next; the penalty is multiplied by this"
        " number, so that its mean strength stays the same (lazy regularization, Karras et al. 2020).",
    )

    def check(self, setting: Setting) -> None:
        """Refuse a setting this regularizer is not defined for, before anything is built.

        Raises:
            ValueError: the message says what is needed.
        """

    @abstractmethod
    def build(self) -> Penalty:
        """Build the penalty."""


class Augmentation(Component):
    """A differentiable change applied to all samples that the discriminator sees.

    What is built maps ``(x: (N, *sample_shape), rng: torch.Generator)`` to samples of the same shape. It
    is an ``nn.Module`` where it has state: its buffers are saved in checkpoints.
    """

    family: ClassVar[str] = "augmentation"

    observes: ClassVar[bool] = False
    """Whether the module has a method ``observe(real_logits)``.

    It is called after each update of the discriminator, with the detached logits of all real samples of
    the update (one for each pack, several for each sample with patches), so that the strength can follow
    them (ADA, Karras et al. 2020, arXiv:2006.06676). It returns scalars on the device by name, whose
    means are logged as ``augmentation/<name>``.
    """

    mixes: ClassVar[bool] = False
    """Whether the module has a method ``mix(real, fake, rng)``.

    It is called before each pass of the discriminator's update, and returns what stands for the real
    samples there (APA, Jiang et al. 2021, arXiv:2111.06849). Sample i of both has condition i; ``fake``
    carries no gradient.
    """

    def check(self, setting: Setting) -> None:
        """Refuse a setting this augmentation is not defined for, before anything is built.

        Raises:
            ValueError: the message says what is needed.
        """

    @abstractmethod
    def build(self) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor]:
        """Build the change."""
