"""Networks: generators, translators and discriminators, and the latents that generators start from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components.base import Component
from ganzoo.components.samples import Condition, ConditionKind

if TYPE_CHECKING:
    import torch
    from torch import nn

Parametrization = Literal["spectral_norm", "weight_norm", "orthogonal"]


class Network(Component):
    """What all networks share."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset()
    """Kinds of condition that the conditional form takes; empty if it has no such form."""

    conditional: bool = Field(
        default=False, description="Whether the network is told the condition of each sample."
    )
    parametrizations: Annotated[tuple[Parametrization, ...], Field(strict=False)] = Field(
        default=(),
        description="Applied in this order to the weights of all convolutions, linear layers and"
        " embeddings: 'spectral_norm' (Miyato et al. 2018, arXiv:1802.05957), 'weight_norm' (Salimans"
        " and Kingma 2016, arXiv:1602.07868), or 'orthogonal', which leaves convolutions as they are.",
    )

    @model_validator(mode="after")
    def _refuse_conditional(self) -> Self:
        if self.conditional and not self.accepts:
            raise PydanticCustomError(
                "conditional",
                "{name} cannot be conditional; leave 'conditional' false or choose another network",
                {"name": repr(self.type)},
            )
        return self

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse samples this network cannot generate or read, before anything is built.

        Args:
            sample_shape: (channels, height, width) of images, (dimensions,) of points, and so on.
            condition: what the network is told of each sample, or None for an unconditional one.

        Raises:
            ValueError: the samples are not supported; the message says which are.
        """


class Generator(Network):
    """A network that turns latents into samples.

    The module that is built maps ``(z: (N, latent), condition or None)`` to ``(N, *sample_shape)``.
    Images are best kept in [-1, 1]; what lies outside is clamped where they are written or evaluated.
    """

    family: ClassVar[str] = "generator"

    uses_noise: ClassVar[bool] = False
    """Whether the module takes a third argument, a ``torch.Generator`` to draw noise from.

    Noise is drawn on the device of the generator and then moved: ``torch.randn(…, generator=rng,
    device=rng.device).to(x.device)``. A sample is then determined by the seed and its index.
    """

    def truncated(self, threshold: float) -> Self | None:
        """Return the same generator, truncated for sampling; None where latents are truncated instead.

        The module that it builds takes over the trained one's state.

        Args:
            threshold: how much of the variety is kept; its meaning is defined by each member.

        Raises:
            ValueError: it cannot be truncated by that threshold.
        """
        del threshold
        return None

    @abstractmethod
    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network, with freshly initialized weights.

        Args:
            latent_dim: number of latent coordinates.
            sample_shape: shape of one sample.
            condition: what the network is told of each sample where ``conditional`` is set, else None.
        """


class Translator(Network):
    """A network that turns samples of one domain into samples of another.

    The module that is built maps ``(source: (N, *source_shape), condition or None)`` to
    ``(N, *sample_shape)``, images in [-1, 1].
    """

    family: ClassVar[str] = "translator"

    def check_source(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> None:
        """Refuse pairs of domains this network cannot translate between; see ``check``.

        Raises:
            ValueError: they are not supported; the message says which are.
        """
        del source_shape
        self.check(sample_shape, condition)

    @abstractmethod
    def build(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> nn.Module:
        """Build the network, with freshly initialized weights.

        Args:
            source_shape: shape of one source.
            sample_shape: shape of one sample.
            condition: what the network is told of each sample where ``conditional`` is set, else None.
        """


@dataclass(frozen=True)
class DiscriminatorOutput:
    """What a discriminator says about N samples, or N packs of samples.

    Attributes:
        logits: (N,), or (N, …) where there are several for a sample, as for patches; high for real.
        features: activations of inner layers, each (N, …), for feature matching.
        class_logits: (N, K) for auxiliary classifiers.
        embedding: (N, d), for losses that compare samples with each other or with their classes.
        codes: (N, k), what the discriminator believes the generator's latent codes were (InfoGAN).
    """

    logits: torch.Tensor
    features: tuple[torch.Tensor, ...] = ()
    class_logits: torch.Tensor | None = None
    embedding: torch.Tensor | None = None
    codes: torch.Tensor | None = None

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> DiscriminatorOutput:
        """Return the same record with a function applied to each tensor."""

        def applied(tensor: torch.Tensor | None) -> torch.Tensor | None:
            return None if tensor is None else function(tensor)

        return DiscriminatorOutput(
            function(self.logits),
            tuple(map(function, self.features)),
            applied(self.class_logits),
            applied(self.embedding),
            applied(self.codes),
        )


OutputPart = Literal["logits", "features", "class_logits", "embedding", "codes"]


class Discriminator(Network):
    """A network that tells real samples from generated ones (a critic, for Wasserstein losses).

    The module that is built maps ``(x: (N, *sample_shape), condition or None)`` to raw logits, (N,) or
    (N, …), or to a ``DiscriminatorOutput``. There is no sigmoid: losses act on raw logits.
    """

    family: ClassVar[str] = "discriminator"

    pack: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Samples that the network sees at once (PacGAN, Lin et al. 2018, arXiv:1712.04086),"
        " put together along the channels, so that a lack of variety shows. It must divide the batch.",
    )

    @property
    def provides(self) -> frozenset[OutputPart]:
        """Which attributes of ``DiscriminatorOutput`` the module gives."""
        return frozenset({"logits"})

    @property
    def joins_batches(self) -> bool:
        """Whether real and fake samples may, and should, share one forward pass.

        True only where no sample of a batch influences another (no batch norm), and where one large
        pass is faster than two: so for small networks made of matrix products.
        """
        return False

    @model_validator(mode="after")
    def _refuse_conditional_packs(self) -> Self:
        if self.conditional and self.pack > 1:
            raise PydanticCustomError(
                "pack",
                "samples of a pack may have different conditions; use 'pack' without them",
                {},
            )
        return self

    def packed_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of ``pack`` samples put together along their first axis."""
        return (self.pack * sample_shape[0], *sample_shape[1:])

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network, with freshly initialized weights.

        Args:
            sample_shape: shape of one sample, or of one pack of samples.
            condition: what the network is told of each sample where ``conditional`` is set, else None.
        """


class Latent(Component):
    """A distribution of latents.

    The module that is built maps ``(n: int, rng: torch.Generator)`` to ``(n, dim)`` on the device of
    ``rng``. It may hold parameters (a learnable prior); they are then trained with the generator's.
    """

    family: ClassVar[str] = "latent"

    dim: int = Field(default=100, ge=1, le=1_000_000, description="Number of latent coordinates.")

    def truncated(self, threshold: float) -> Latent:
        """Return the same distribution, truncated for sampling.

        Where the module has parameters, the truncated one takes over the trained ones.

        Args:
            threshold: how much of the distribution is kept; its meaning is defined by each member.

        Raises:
            ValueError: this distribution cannot be truncated, or not by that threshold.
        """
        raise ValueError(f"latents of type {self.type!r} cannot be truncated by {threshold}")

    @abstractmethod
    def build(self) -> nn.Module:
        """Build the module that draws latents."""
