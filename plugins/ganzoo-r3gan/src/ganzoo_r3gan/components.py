"""The networks of R3GAN, as a spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Condition, ConditionKind, Discriminator, Generator, Network

if TYPE_CHECKING:
    from torch import nn

    from ganzoo_r3gan.networks import Blocks

HUANG = "Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2024, arXiv:2501.05441"

SMALLEST = 4
"""Pixels of the shorter side of the smallest stage; it has at most 7."""

FULL_WIDTH = 32
"""Pixels of the shorter side up to which all stages are equally wide, as in the paper."""


class _R3GAN(Network):
    """What both networks share."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes", "labels", "values"})
    paper: ClassVar[str | None] = HUANG

    channels: (
        Annotated[int, Field(ge=1)]
        | Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)]
    ) = Field(
        default=64,
        description="Channels of the stages. A number: of all up to 32 pixels, halved in each larger"
        " one; the paper has 768. A list: of each stage, from the smallest images to the largest.",
    )
    blocks: int = Field(default=2, ge=1, description="Residual blocks in each stage.")
    expansion: int = Field(
        default=2,
        ge=1,
        description="How many times wider a block is inside than the stage it belongs to.",
    )
    group_width: int = Field(
        default=16, ge=1, description="Channels in each group of the grouped convolutions."
    )
    kernel_size: Literal[1, 3, 5, 7] = Field(
        default=3, description="Kernel of the grouped convolutions, in pixels."
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse points, sizes that no stage can be doubled to, and widths that do not fit."""
        del condition
        if len(sample_shape) != 3:
            raise ValueError("supports images only; choose 'mlp' for other samples")
        height, width = sample_shape[1:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"supports images of at least 4x4, not {height}x{width}")
        unit = 2 ** _doublings(height, width)
        if height % unit or width % unit:
            below, above = (
                "x".join(str((side // unit + more) * unit) for side in (height, width))
                for more in (0, 1)
            )
            raise ValueError(
                f"cannot generate images of {height}x{width}; the nearest sizes it can are {below} and"
                f" {above}, to which the data set's 'size' resizes them"
            )
        for channels in self._widths(sample_shape):
            if not channels:
                raise ValueError(f"'channels' of {self.channels} leave none for the largest stage")
            if channels * self.expansion % self.group_width:
                raise ValueError(
                    f"'channels' of {channels} times an 'expansion' of {self.expansion} cannot be"
                    f" divided in groups of {self.group_width}; change one of them or 'group_width'"
                )

    def _widths(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the channels of each stage, from the smallest images to the largest."""
        height, width = sample_shape[1:]
        depth = _doublings(height, width)
        if isinstance(self.channels, tuple):
            if len(self.channels) != depth + 1:
                raise ValueError(
                    f"'channels' lists {len(self.channels)} stages, but images of {height}x{width}"
                    f" have {depth + 1}"
                )
            return self.channels
        narrower = sum(min(height, width) >> level > FULL_WIDTH for level in range(depth + 1))
        full = (self.channels,) * (depth + 1 - narrower)
        return (*full, *(self.channels >> more for more in range(1, narrower + 1)))

    def _blocks(self, sample_shape: tuple[int, ...]) -> Blocks:
        from ganzoo_r3gan.networks import Blocks

        height, width = sample_shape[1:]
        depth = _doublings(height, width)
        return Blocks(
            base=(height >> depth, width >> depth),
            widths=self._widths(sample_shape),
            count=self.blocks,
            expansion=self.expansion,
            group_width=self.group_width,
            kernel_size=self.kernel_size,
        )


class R3GANGenerator(_R3GAN, Generator):
    """Residual blocks of grouped convolutions, without normalization, that double the image.

    A learned basis of 4 to 7 pixels is weighted by the latent and doubled until it has the size of the
    images. The output is linear. The conditional form puts an embedding of the condition next to the
    latent.
    """

    type: Literal["r3gan"] = "r3gan"

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network: ``(z: (N, latent), condition) -> (N, C, H, W)``, not bounded."""
        from ganzoo_r3gan.networks import R3GANGenerator

        return R3GANGenerator(
            latent_dim, sample_shape[0], self._blocks(sample_shape), condition=condition
        )


class R3GANDiscriminator(_R3GAN, Discriminator):
    """The mirror image of the generator: residual blocks that halve the image, without normalization.

    The conditional form takes the inner product of its last features with an embedding of the
    condition (Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637).
    """

    type: Literal["r3gan"] = "r3gan"

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, C, H, W), condition) -> (N,)`` raw logits."""
        from ganzoo_r3gan.networks import R3GANDiscriminator

        return R3GANDiscriminator(sample_shape[0], self._blocks(sample_shape), condition=condition)


def _doublings(height: int, width: int) -> int:
    """Return how often 4 to 7 pixels are doubled to reach the shorter side, rounded down."""
    return (min(height, width) // SMALLEST).bit_length() - 1
