"""Generators, discriminators, and the latents that generators start from."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components.base import Component

if TYPE_CHECKING:
    from torch import nn


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
