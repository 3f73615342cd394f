"""Residual generators and discriminators, as a spec writes them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganzoo.components import (
    Activation,
    Condition,
    ConditionKind,
    Discriminator,
    Generator,
    Network,
    component_field,
)

if TYPE_CHECKING:
    from torch import nn

MIYATO = (
    "Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018,"
    " arXiv:1802.05957"
)

SMALLEST = 4
"""Pixels of the shorter side of the smallest images; it has at most 7."""

WIDEST = 16
"""The widest layers have so many times the channels of those next to the image."""

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=2)]


class _ResNet(Network):
    """What both networks share."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes", "labels", "values"})
    paper: ClassVar[str | None] = MIYATO

    channels: Annotated[int, Field(ge=1)] | Widths = Field(
        default=64,
        description="Width of the blocks. A number: of the block next to the image; each block farther"
        " away is twice as wide, up to 16 times. A list: of each block, in the order of the layers.",
    )
    attention: Annotated[tuple[int, ...], Field(strict=False)] = Field(
        default=(),
        description="Shorter sides of images, in pixels, after whose block self-attention follows"
        " (Zhang et al., SAGAN, 2019, arXiv:1805.08318, which has [32] for images of 128x128).",
    )
    activation: Activation = component_field("relu", description="Function in each block.")
    init: Literal["xavier", "orthogonal"] = Field(
        default="xavier",
        description="First weights: 'xavier' as SNGAN's, 'orthogonal' as BigGAN's.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse points, images that are too small, and attention where no block ends."""
        del condition
        if len(sample_shape) != 3:
            raise ValueError("supports images only; choose 'mlp' for other samples")
        height, width = sample_shape[1:]
        if min(height, width) < 2 * SMALLEST:
            raise ValueError(f"supports images of at least 8x8, not {height}x{width}")
        sides = self._sides(sample_shape)
        unknown = [side for side in self.attention if side not in sides]
        if unknown:
            raise ValueError(
                f"'attention' at {unknown[0]} pixels, but blocks end at {', '.join(map(str, sides))}"
            )

    @abstractmethod
    def _sides(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shorter side of the images that each block returns."""


class ResNetGenerator(_ResNet, Generator):
    """A generator of residual blocks that double a stem of 4 to 7 pixels to an image.

    The conditional form chooses scale and shift of each batch norm by an embedding of the condition
    (Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637).
    """

    type: Literal["resnet"] = "resnet"
    upsampling: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="How images are doubled."
    )
    embedding: int = Field(
        default=128,
        ge=1,
        description="Length of the condition's embedding, which all batch norms share.",
    )
    split_latent: bool = Field(
        default=False,
        description="Whether the latent is split in equal parts, one for the stem and one for the batch"
        " norms of each block (Brock et al., BigGAN, 2019, arXiv:1809.11096).",
    )
    output_activation: Activation = component_field(
        "tanh", description="Function of the output; 'tanh' keeps images in [-1, 1]."
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse what the network cannot generate, with the nearest sizes that it can."""
        super().check(sample_shape, condition)
        height, width = sample_shape[1:]
        depth = _doublings(sample_shape)
        unit = 2**depth
        if height % unit or width % unit:
            below, above = (
                "x".join(str((side // unit + more) * unit) for side in (height, width))
                for more in (0, 1)
            )
            raise ValueError(
                f"cannot generate images of {height}x{width}; the nearest sizes it can are {below} and"
                f" {above}, to which the data set's 'size' resizes them"
            )
        if isinstance(self.channels, tuple) and len(self.channels) != depth + 1:
            raise ValueError(
                f"'channels' lists {len(self.channels)} widths, but images of {height}x{width} have"
                f" {depth + 1}: of the stem and of {depth} blocks"
            )

    def _sides(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        depth = _doublings(sample_shape)
        return tuple(min(sample_shape[1:]) >> level for level in range(depth - 1, -1, -1))

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network: ``(z: (N, latent), condition) -> (N, C, H, W)``."""
        from ganzoo_resnet.networks import ResNetGenerator

        depth = _doublings(sample_shape)
        channels = self.channels
        if isinstance(channels, int):
            channels = tuple(channels * min(2**level, WIDEST) for level in range(depth, -1, -1))
        sides = self._sides(sample_shape)
        return ResNetGenerator(
            latent_dim,
            sample_shape,
            channels,
            activation=self.activation.build,
            output_activation=self.output_activation.build(),
            upsampling=self.upsampling,
            attention=tuple(side in self.attention for side in sides),
            embedding_dim=self.embedding,
            split_latent=self.split_latent,
            init=self.init,
            condition=condition,
        )


class ResNetDiscriminator(_ResNet, Discriminator):
    """A discriminator of residual blocks, and a logit of the sum of their features over all pixels.

    The conditional form adds the inner product of these features with an embedding of the condition
    (Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637). For SNGAN, set
    ``parametrizations`` to ``["spectral_norm"]``.
    """

    type: Literal["resnet"] = "resnet"
    halvings: int | None = Field(
        default=None,
        ge=1,
        description="How many blocks, from the first on, halve the image. Null: until 4 to 7 pixels are"
        " left; the blocks after those are one, or what 'channels' lists more.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse images that cannot be halved so often."""
        super().check(sample_shape, condition)
        halvings = self._halvings(sample_shape)
        height, width = sample_shape[1:]
        if min(height, width) >> halvings == 0:
            raise ValueError(f"images of {height}x{width} cannot be halved {halvings} times")
        if isinstance(self.channels, tuple) and len(self.channels) < halvings:
            raise ValueError(
                f"'channels' lists {len(self.channels)} blocks, but {halvings} halve the image"
            )

    def _halvings(self, sample_shape: tuple[int, ...]) -> int:
        return self.halvings or _doublings(sample_shape)

    def _widths(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        if isinstance(self.channels, tuple):
            return self.channels
        widths = [
            self.channels * min(2**level, WIDEST) for level in range(self._halvings(sample_shape))
        ]
        return (*widths, widths[-1])

    def _sides(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        halvings = self._halvings(sample_shape)
        blocks = range(1, len(self._widths(sample_shape)) + 1)
        return tuple(min(sample_shape[1:]) >> min(block, halvings) for block in blocks)

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, C, H, W), condition) -> (N,)`` raw logits."""
        from ganzoo_resnet.networks import ResNetDiscriminator

        # The same side may end several blocks; attention stands after the first of them.
        sides = self._sides(sample_shape)
        first = [side in self.attention and side not in sides[:at] for at, side in enumerate(sides)]
        return ResNetDiscriminator(
            sample_shape[0],
            self._widths(sample_shape),
            halvings=self._halvings(sample_shape),
            activation=self.activation.build,
            attention=tuple(first),
            init=self.init,
            condition=condition,
        )


def _doublings(sample_shape: tuple[int, ...]) -> int:
    """Return how often 4 to 7 pixels are doubled to reach the shorter side, rounded down."""
    return (min(sample_shape[1:]) // SMALLEST).bit_length() - 1
