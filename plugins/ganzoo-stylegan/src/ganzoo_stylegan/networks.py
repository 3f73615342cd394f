"""The networks of StyleGAN2 in torch (Karras et al. 2020, arXiv:1912.04958)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from ganzoo.components import Condition
from ganzoo.nn import embedding
from ganzoo_stylegan.layers import (
    Convolution,
    Linear,
    ModulatedConvolution,
    StandardDeviation,
    StyledConvolution,
    activated,
    doubling,
    normalized,
)

MAPPING_LR_FACTOR = 0.01
"""The mapping network learns a hundred times slower than the other layers."""

AVERAGE_DECAY = 0.998
"""Portion of the mean style that each batch keeps."""


class Mapping(nn.Module):
    """Turns latents into styles, one for each layer of a generator.

    In training, styles of some samples are mixed: those of their later layers come from another latent.
    In evaluation mode, styles may be truncated towards their mean, which is followed in training.

    Args:
        latent_dim: number of latent coordinates.
        style_dim: width of styles.
        depth: fully connected layers.
        layers: styles of each sample.
        mixing: probability that styles of a sample are mixed.
        truncation: factor on the distance of styles from their mean; 1 leaves them as they are.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    mean: torch.Tensor

    def __init__(
        self,
        latent_dim: int,
        style_dim: int,
        *,
        depth: int,
        layers: int,
        mixing: float,
        truncation: float,
        condition: Condition | None,
    ) -> None:
        super().__init__()
        self.layers, self.mixing, self.truncation = layers, mixing, truncation
        self.embedding = None if condition is None else _embedding(condition, style_dim)
        inputs = latent_dim if condition is None else latent_dim + style_dim
        widths = [inputs] + [style_dim] * depth
        self.connected = nn.ModuleList(
            Linear(*pair, lr_factor=MAPPING_LR_FACTOR) for pair in pairwise(widths)
        )
        self.register_buffer("mean", torch.zeros(style_dim))

    def forward(
        self, z: torch.Tensor, condition: torch.Tensor | None, rng: torch.Generator
    ) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to styles (N, layers, width)."""
        style = self._style(z, condition)
        styles = style[:, None].expand(-1, self.layers, -1)
        if not self.training and self.truncation == 1:
            return styles
        if not self.training:
            return self.mean + (styles - self.mean) * self.truncation
        with torch.no_grad():
            self.mean.lerp_(style.mean(0).to(self.mean.dtype), 1 - AVERAGE_DECAY)
        if self.mixing and self.layers > 1:
            styles = self._mixed(styles, z, condition, rng)
        return styles

    def _style(self, z: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        x = normalized(z)
        if self.embedding is not None:
            x = torch.cat([x, normalized(self.embedding(condition))], 1)
        for layer in self.connected:
            x = activated(layer(x))
        return x

    def _mixed(
        self,
        styles: torch.Tensor,
        z: torch.Tensor,
        condition: torch.Tensor | None,
        rng: torch.Generator,
    ) -> torch.Tensor:
        """Replace styles from a random layer on, in a random part of the samples.

        Other latents are normal; since latents are normalized, their scale does not matter.
        """
        other = torch.randn(z.shape, generator=rng, device=rng.device).to(z)
        mixed, place = torch.rand(2, len(z), 1, 1, generator=rng, device=rng.device).to(z.device)
        begin = torch.where(
            mixed < self.mixing, 1 + (place * (self.layers - 1)).floor(), self.layers
        )
        layer = torch.arange(self.layers, device=z.device)[:, None]
        return torch.where(layer < begin, styles, self._style(other, condition)[:, None])


class Stage(nn.Module):
    """The layers of a generator for images of one size.

    Args:
        inputs: channels of the stage before, or None for the first stage, which doubles nothing.
        outputs: channels of this stage.
        style_dim: width of styles.
        image_channels: channels of the image that is added to those of other stages, or None where this
            stage adds none.
        residual: whether the input is added to the output.
    """

    def __init__(
        self,
        inputs: int | None,
        outputs: int,
        style_dim: int,
        *,
        image_channels: int | None,
        residual: bool,
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([StyledConvolution(outputs, outputs, style_dim)])
        self.shortcut = self.to_image = None
        if inputs is not None:
            double = StyledConvolution(inputs, outputs, style_dim, double=True)
            self.convolutions.insert(0, double)
            if residual:
                self.shortcut = nn.Sequential(
                    Convolution(inputs, outputs, 1, bias=False), doubling()
                )
        if image_channels is not None:
            self.to_image = ModulatedConvolution(
                outputs, image_channels, style_dim, 1, demodulate=False
            )
            self.image_bias = nn.Parameter(torch.zeros(image_channels, 1, 1))
        self.double_image = doubling()

    def forward(
        self,
        x: torch.Tensor,
        image: torch.Tensor | None,
        styles: torch.Tensor,
        rng: torch.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Map features and image of the stage before, and styles (N, layers + 1, width), to its own."""
        y = x
        for layer, convolution in enumerate(self.convolutions):
            y = convolution(y, styles[:, layer], rng)
        if self.shortcut is not None:
            y = (y + self.shortcut(x)) * math.sqrt(0.5)
        if self.to_image is not None:
            change = self.to_image(y, styles[:, -1]) + self.image_bias
            image = change if image is None else self.double_image(image) + change
        return y, image


class StyleGAN2Generator(nn.Module):
    """A learned constant, doubled stage by stage by convolutions that styles modulate.

    Args:
        mapping: turns latents into styles, twice as many as there are stages.
        image_channels: channels of the images.
        base: height and width of the smallest stage.
        widths: channels of each stage, from the smallest images to the largest.
        style_dim: width of styles.
        residual: whether stages are residual and the last one alone gives the image; otherwise the image
            is a sum over all stages.
    """

    def __init__(
        self,
        mapping: Mapping,
        image_channels: int,
        base: tuple[int, int],
        widths: tuple[int, ...],
        *,
        style_dim: int,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.mapping = mapping
        self.constant = nn.Parameter(torch.randn(widths[0], *base))
        last = len(widths) - 1
        self.stages = nn.ModuleList(
            Stage(
                widths[at - 1] if at else None,
                width,
                style_dim,
                image_channels=None if residual and at < last else image_channels,
                residual=residual,
            )
            for at, width in enumerate(widths)
        )

    def forward(
        self, z: torch.Tensor, condition: torch.Tensor | None, rng: torch.Generator
    ) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to images (N, C, H, W)."""
        styles = self.mapping(z, condition, rng)
        x, images = self.constant.expand(z.shape[0], -1, -1, -1), None
        for number, stage in enumerate(self.stages):
            # The layer that gives the image shares its style with the next stage's first convolution.
            begin, end = max(0, 2 * number - 1), 2 * number + 2
            x, images = stage(x, images, styles[:, begin:end], rng)
        assert isinstance(images, torch.Tensor)
        return images


class Halving(nn.Module):
    """A residual block of two convolutions that halves images."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Convolution(inputs, inputs, 3)
        self.second = Convolution(inputs, outputs, 3, halve=True)
        self.shortcut = Convolution(inputs, outputs, 1, bias=False, halve=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        y = activated(self.second(activated(self.first(x))))
        halved: torch.Tensor = (y + self.shortcut(x)) * math.sqrt(0.5)
        return halved


class StyleGAN2Discriminator(nn.Module):
    """Residual blocks that halve an image, the standard deviation of groups, and a logit of both.

    Args:
        image_channels: channels of the images.
        base: height and width of the images that are left.
        widths: channels, from the smallest images to the largest.
        group_size: samples that are compared with each other.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        image_channels: int,
        base: tuple[int, int],
        widths: tuple[int, ...],
        *,
        group_size: int,
        condition: Condition | None,
    ) -> None:
        super().__init__()
        width = widths[0]
        self.from_image = Convolution(image_channels, widths[-1], 1)
        self.blocks = nn.Sequential(*(Halving(*pair) for pair in pairwise(widths[::-1])))
        self.deviation = StandardDeviation(group_size)
        self.convolution = Convolution(width + 1, width, 3)
        self.connected = Linear(width * math.prod(base), width)
        self.head = Linear(width, 1 if condition is None else width)
        self.embedding = None if condition is None else _embedding(condition, width)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) and their conditions, or None, to logits (N,)."""
        x = self.deviation(self.blocks(activated(self.from_image(x))))
        x = activated(self.convolution(x)).flatten(1)
        x = self.head(activated(self.connected(x)))
        if self.embedding is not None:
            x = x * self.embedding(condition) / math.sqrt(x.shape[1])
        return x.sum(1)


def _embedding(condition: Condition, width: int) -> nn.Module:
    """Build an embedding whose values start with variance 1."""
    layer = embedding(condition, width)
    std = 1.0 if condition.kind == "classes" else 1 / math.sqrt(condition.size)
    nn.init.normal_(layer.weight, std=std)
    return layer
