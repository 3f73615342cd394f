"""The networks, as a spec writes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import (
    Condition,
    Discriminator,
    Network,
    Normalization,
    Translator,
    component_field,
)

if TYPE_CHECKING:
    from torch import nn

ISOLA = (
    "Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017,"
    " arXiv:1611.07004"
)
ZHU = (
    "Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,"
    " 2017, arXiv:1703.10593"
)
PARK = (
    "Park et al., Contrastive Learning for Unpaired Image-to-Image Translation, 2020,"
    " arXiv:2007.15651"
)

DEEPEST = 8
"""Halvings of the U-Net in the paper, for images of 256 by 256."""

LARGE = 128
"""Pixels of the shorter side above which CycleGAN's translator has nine blocks instead of six."""


class _Convolutional(Network):
    """What all networks here share."""

    channels: int = Field(
        default=64,
        ge=1,
        description="Channels of the layers next to the image; twice as many after each halving, up to"
        " eight times.",
    )
    normalization: Normalization = component_field(
        "instance",
        description="Layer after convolutions. Instance norm is also what batch norm is in batches of"
        " one image, with which the papers trained.",
    )

    def _normalization(self) -> Callable[[int], nn.Module]:
        return lambda channels: self.normalization.build(channels, 2)

    def _check_layers(self) -> None:
        for width in (self.channels, 2 * self.channels):
            self.normalization.check(width, 2)


class Encoding(Translator):
    """Translators whose module gives what its first layers see, as ``cut`` needs it.

    The module has ``encoded``, which maps sources to a list of tensors (N, channels, H, W), and
    ``encoded_channels``, a list of their channels.
    """


class _Translating(_Convolutional, Encoding):
    """What both translators share."""

    def check_source(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> None:
        """Refuse what are not images of one height and width that the network can halve."""
        if len(source_shape) != 3 or len(sample_shape) != 3:
            raise ValueError("translates between images only")
        if source_shape[1:] != sample_shape[1:]:
            source, target = (_times(shape) for shape in (source_shape, sample_shape))
            raise ValueError(
                f"sources of {source} and samples of {target} must have one height and width"
            )
        self.check(sample_shape, condition)
        self._check_layers()


class UNet(_Translating):
    """The U-Net of pix2pix: halved to a few pixels and doubled again, with a shortcut at each size.

    The layers next to the image see all of it unchanged, so that what source and target have in common
    need not pass through the few pixels in the middle.
    """

    type: Literal["unet"] = "unet"
    paper: ClassVar[str | None] = ISOLA
    depth: int | None = Field(
        default=None,
        ge=1,
        le=12,
        description="How often images are halved; height and width must be divisible by 2 as often."
        " Null: as often as they are, up to 8 times.",
    )
    dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="Probability of dropout in the first blocks that double, at most three of them."
        " There is none when pictures are translated.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse images that cannot be halved so often, with the nearest sizes that can."""
        del condition
        depth = self._depth(sample_shape)
        _check_multiple(sample_shape, 2**depth, f"halved {depth} times")

    def _depth(self, sample_shape: tuple[int, ...]) -> int:
        if self.depth is not None:
            return self.depth
        common = math.gcd(*sample_shape[1:])
        return max(1, min(DEEPEST, (common & -common).bit_length() - 1))

    def build(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> nn.Module:
        """Build the network: ``(source: (N, C, H, W), condition) -> (N, C', H, W)``."""
        from ganzoo_translation.networks import UNet

        del condition
        return UNet(
            source_shape[0],
            sample_shape[0],
            self.channels,
            depth=self._depth(sample_shape),
            normalization=self._normalization(),
            dropout=self.dropout,
        )


class ResNetTranslator(_Translating):
    """The translator of CycleGAN: residual blocks between two halvings and two doublings.

    The network is that of Johnson et al. (2016). Images are mirrored at their edges.
    """

    type: Literal["resnet-translator"] = "resnet-translator"
    paper: ClassVar[str | None] = ZHU
    SMALLEST: ClassVar[int] = 8
    blocks: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description=f"Residual blocks. Null: 6, or 9 for images of more than {LARGE} pixels a side.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse images that are too small, or cannot be halved twice."""
        del condition
        if min(sample_shape[1:]) < self.SMALLEST:
            least = f"{self.SMALLEST}x{self.SMALLEST}"
            raise ValueError(f"translates images of at least {least}, not {_times(sample_shape)}")
        _check_multiple(sample_shape, 4, "halved twice")

    def build(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> nn.Module:
        """Build the network: ``(source: (N, C, H, W), condition) -> (N, C', H, W)``."""
        from ganzoo_translation.networks import ResNetTranslator

        del condition
        return ResNetTranslator(
            source_shape[0],
            sample_shape[0],
            self.channels,
            blocks=self.blocks or (9 if min(sample_shape[1:]) > LARGE else 6),
            normalization=self._normalization(),
        )


class PatchGAN(_Convolutional, Discriminator):
    """The discriminator of pix2pix and CycleGAN: a logit for each of many overlapping patches.

    With 0, 1, 2, 3 and 4 ``layers`` patches have 1, 16, 34, 70 and 142 pixels a side.
    """

    type: Literal["patchgan"] = "patchgan"
    paper: ClassVar[str | None] = ISOLA
    layers: int | None = Field(
        default=None,
        ge=0,
        le=6,
        description="How many layers halve the image. Null: 3, whose patches have 70 pixels a side, or"
        " as many as let a patch fit into the image.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse images that are smaller than a patch."""
        del condition
        if len(sample_shape) != 3:
            raise ValueError("supports images only; choose 'mlp' for other samples")
        self._check_layers()
        layers, side = self._layers(sample_shape), min(sample_shape[1:])
        if patch_side(layers) > side:
            fitting = _most_layers(side)
            raise ValueError(
                f"reads patches of {patch_side(layers)}x{patch_side(layers)} pixels, and images have"
                f" {_times(sample_shape)}; set 'layers' to {fitting} for patches of"
                f" {patch_side(fitting)}x{patch_side(fitting)}"
            )

    def _layers(self, sample_shape: tuple[int, ...]) -> int:
        return min(3, _most_layers(min(sample_shape[1:]))) if self.layers is None else self.layers

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, C, H, W), condition) -> (N, patches)`` raw logits."""
        from ganzoo_translation.networks import PatchGAN

        del condition
        layers = self._layers(sample_shape)
        return PatchGAN(sample_shape[0], self.channels, layers, self._normalization())


def patch_side(layers: int) -> int:
    """Return how many pixels a side a logit of a PatchGAN sees."""
    return 1 if layers == 0 else 9 * 2**layers - 2


def _most_layers(side: int) -> int:
    return max(layers for layers in range(7) if layers == 0 or patch_side(layers) <= side)


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:]))


def _check_multiple(sample_shape: tuple[int, ...], unit: int, done: str) -> None:
    if len(sample_shape) != 3:
        raise ValueError("translates between images only")
    if all(side % unit == 0 for side in sample_shape[1:]):
        return
    near = [
        "x".join(str(max(1, side // unit + more) * unit) for side in sample_shape[1:])
        for more in (0, 1)
    ]
    raise ValueError(
        f"images of {_times(sample_shape)} cannot be {done}; the nearest sizes that can are"
        f" {' and '.join(dict.fromkeys(near))}, to which the data set's 'size' resizes them"
    )
