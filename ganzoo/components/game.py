"""The game two networks play: its rules, its losses, penalties and augmentations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ganzoo.components.base import Component, choice
from ganzoo.components.optimization import Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganzoo.training.game import Game, GameContext


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


class Algorithm(Component):
    """Named networks and one training step: the rules of the game."""

    family: ClassVar[str] = "algorithm"

    @abstractmethod
    def build(self, context: GameContext) -> Game:
        """Build networks and optimizers on the training device."""
