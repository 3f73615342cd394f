"""The networks and the regularizer of StyleGAN2, as a spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from ganzoo.components import (
    Condition,
    ConditionKind,
    Discriminator,
    Generator,
    Network,
    Penalty,
    Regularizer,
    Schedule,
    Setting,
    Side,
    component_field,
)

if TYPE_CHECKING:
    from torch import nn

KARRAS = (
    "Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, arXiv:1912.04958"
)

SMALLEST = 4
"""Pixels of the shorter side of the smallest stage; it has at most 7."""

FULL_WIDTH = 64
"""Pixels of the shorter side up to which all stages are equally wide, as in the paper."""


class _StyleGAN2(Network):
    """What both networks share."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes", "labels", "values"})
    paper: ClassVar[str | None] = KARRAS

    channels: (
        Annotated[int, Field(ge=1)]
        | Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)]
    ) = Field(
        default=64,
        description="Channels of the stages. A number: of all up to 64 pixels, halved in each larger"
        " one; the paper has 512. A list: of each stage, from the smallest images to the largest.",
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
        if not all(self._widths(sample_shape)):
            raise ValueError(f"'channels' of {self.channels} leave none for the largest stage")

    def _base(self, sample_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width of the smallest stage."""
        height, width = sample_shape[1:]
        depth = _doublings(height, width)
        return height >> depth, width >> depth

    def _widths(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the channels of each stage, from the smallest images to the largest."""
        height, width = sample_shape[1:]
        stages = _doublings(height, width) + 1
        if isinstance(self.channels, tuple):
            if len(self.channels) != stages:
                raise ValueError(
                    f"'channels' lists {len(self.channels)} stages, but images of {height}x{width}"
                    f" have {stages}"
                )
            return self.channels
        narrower = sum(min(height, width) >> level > FULL_WIDTH for level in range(stages))
        full = (self.channels,) * (stages - narrower)
        return (*full, *(self.channels >> more for more in range(1, narrower + 1)))


class StyleGAN2Generator(_StyleGAN2, Generator):
    """A learned constant, doubled stage by stage by convolutions that styles modulate.

    A mapping network turns the latent into a style; each layer scales its weights by it and adds noise.
    The output is linear. The conditional form gives the mapping network an embedding of the condition
    next to the latent.
    """

    type: Literal["stylegan2"] = "stylegan2"
    uses_noise: ClassVar[bool] = True

    style_dim: int = Field(default=512, ge=1, description="Width of styles.")
    mapping_layers: int = Field(
        default=8, ge=1, description="Layers of the network that turns latents into styles."
    )
    architecture: Literal["skip", "residual"] = Field(
        default="skip",
        description="Whether the image is the sum of those of all stages, or stages are residual and"
        " the last one alone gives the image.",
    )
    style_mixing: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Portion of the samples in training whose later layers have the style of another"
        " latent.",
    )
    truncation: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Factor on the distance of styles from their mean outside of training (the"
        " paper's psi): less variety, fewer outliers. Evaluations and grids of a run have it, too.",
    )

    def truncated(self, threshold: float) -> Self:
        """Return the same generator with styles nearer to their mean by the factor ``threshold``."""
        if not 0 <= threshold <= 1:
            raise ValueError(f"styles are truncated by a factor in [0, 1], not {threshold}")
        return self.model_copy(update={"truncation": self.truncation * threshold})

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network: ``(z: (N, latent), condition, rng) -> (N, C, H, W)``, not bounded."""
        from ganzoo_stylegan.networks import Mapping, StyleGAN2Generator

        widths = self._widths(sample_shape)
        mapping = Mapping(
            latent_dim,
            self.style_dim,
            depth=self.mapping_layers,
            layers=2 * len(widths),
            mixing=self.style_mixing,
            truncation=self.truncation,
            condition=condition,
        )
        return StyleGAN2Generator(
            mapping,
            sample_shape[0],
            self._base(sample_shape),
            widths,
            style_dim=self.style_dim,
            residual=self.architecture == "residual",
        )


class StyleGAN2Discriminator(_StyleGAN2, Discriminator):
    """Residual blocks that halve an image, and a look at how varied samples are.

    The conditional form takes the inner product of its last features with an embedding of the condition
    (Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637).
    """

    type: Literal["stylegan2"] = "stylegan2"

    group_size: int = Field(
        default=4,
        ge=1,
        description="Samples whose standard deviation the last layers see; 1 shows them none.",
    )

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, C, H, W), condition) -> (N,)`` raw logits."""
        from ganzoo_stylegan.networks import StyleGAN2Discriminator

        return StyleGAN2Discriminator(
            sample_shape[0],
            self._base(sample_shape),
            self._widths(sample_shape),
            group_size=self.group_size,
            condition=condition,
        )


class PathLength(Regularizer):
    """Path length regularization: steps of one length in style space change images by one length.

    It needs the generator ``stylegan2``.
    """

    type: Literal["path_length"] = "path_length"
    paper: ClassVar[str | None] = KARRAS
    side: ClassVar[Side] = "generator"

    weight: Schedule = component_field("constant", value=2.0, description="Factor on the penalty.")
    every: int = Field(
        default=4,
        ge=1,
        description="Steps of the generator from one use to the next; the penalty is multiplied by this"
        " number, so that its mean strength stays the same.",
    )
    shrink: int = Field(
        default=2, ge=1, description="It generates this many times fewer samples than a batch has."
    )
    decay: float = Field(
        default=0.99, ge=0, lt=1, description="Portion of the mean length that each use keeps."
    )

    def check(self, setting: Setting) -> None:
        """Refuse generators without styles."""
        if not isinstance(setting.generator, StyleGAN2Generator):
            other = "none" if setting.generator is None else repr(setting.generator.type)
            raise ValueError(f"'path_length' needs the generator 'stylegan2', not {other}")

    def build(self) -> Penalty:
        """Build the penalty with its mean."""
        from ganzoo_stylegan.penalty import PathLengthPenalty

        return PathLengthPenalty(self.decay, self.shrink)


def _doublings(height: int, width: int) -> int:
    """Return how often 4 to 7 pixels are doubled to reach the shorter side, rounded down."""
    return (min(height, width) // SMALLEST).bit_length() - 1
