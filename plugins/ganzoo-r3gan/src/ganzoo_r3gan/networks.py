"""The networks of R3GAN in torch (Huang et al. 2024, arXiv:2501.05441)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

from ganzoo.components import Condition
from ganzoo.nn import embedding

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)

SLOPE = 0.2
"""Slope of the leaky ReLU for negative values."""


@dataclass(frozen=True)
class Blocks:
    """The residual blocks of a network, stage by stage from the smallest images to the largest.

    Attributes:
        base: height and width of the images in the smallest stage; each further stage doubles them.
        widths: channels of each stage.
        count: blocks in each stage.
        expansion: how many times wider a block is inside.
        group_width: channels in each group of the convolution in the middle.
        kernel_size: of that convolution.
    """

    base: tuple[int, int]
    widths: tuple[int, ...]
    count: int = 2
    expansion: int = 2
    group_width: int = 16
    kernel_size: int = 3

    def stage(self, channels: int) -> list[nn.Module]:
        """Build the blocks of one stage.

        The first weights keep the variance of a network with this many blocks (fix-up initialization:
        Zhang et al. 2019, arXiv:1901.09321, for blocks of three layers).
        """
        blocks = self.count * len(self.widths)
        gain = math.sqrt(2 / (1 + SLOPE**2)) * blocks ** (-1 / 4)
        return [ResidualBlock(channels, self, gain) for _ in range(self.count)]


class ResidualBlock(nn.Module):
    """x + W₃ f(W₂ f(W₁ x)): two convolutions of single pixels around a grouped one, f leaky ReLU.

    The last weights start at zero, so that the block starts as the identity.
    """

    def __init__(self, channels: int, blocks: Blocks, gain: float) -> None:
        super().__init__()
        inside = channels * blocks.expansion
        self.expand = nn.Conv2d(channels, inside, 1)
        self.convolve = nn.Conv2d(
            inside,
            inside,
            blocks.kernel_size,
            padding=blocks.kernel_size // 2,
            groups=inside // blocks.group_width,
        )
        self.reduce = nn.Conv2d(inside, channels, 1, bias=False)
        for layer, scale in ((self.expand, gain), (self.convolve, gain), (self.reduce, 0.0)):
            _initialize(layer, scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to images of the same shape."""
        y = F.leaky_relu(self.expand(x), SLOPE)
        y = F.leaky_relu(self.convolve(y), SLOPE)
        changed: torch.Tensor = x + self.reduce(y)
        return changed


class Resample(nn.Module):
    """Doubles or halves images with the filter [1, 3, 3, 1], which is bilinear interpolation.

    Beyond the border, pixels count as zero. A convolution of single pixels changes the channels where
    they differ, at the smaller size.

    Args:
        inputs: channels of the images.
        outputs: channels of the result.
        double: whether images are doubled; they are halved otherwise.
    """

    kernel: torch.Tensor

    def __init__(self, inputs: int, outputs: int, *, double: bool) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / (4 if double else 8)
        self.register_buffer("kernel", torch.outer(line, line), persistent=False)
        self.doubles = double
        self.channels = None
        if inputs != outputs:
            self.channels = _initialize(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, inputs, H, W) to (N, outputs, 2H, 2W) or (N, outputs, H/2, W/2)."""
        if self.doubles and self.channels is not None:
            x = self.channels(x)
        resample = F.conv_transpose2d if self.doubles else F.conv2d
        groups = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(groups, 1, 4, 4)
        x = resample(x, kernel, stride=2, padding=1, groups=groups)
        if not self.doubles and self.channels is not None:
            x = self.channels(x)
        return x


class R3GANGenerator(nn.Module):
    """A learned basis, weighted by the latent, in residual blocks that double it to an image.

    Args:
        latent_dim: number of latent coordinates.
        image_channels: channels of the images.
        blocks: the residual blocks.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        latent_dim: int,
        image_channels: int,
        blocks: Blocks,
        *,
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        inputs = latent_dim
        self.embedding = None
        if condition is not None:
            self.embedding = _embedding(condition, latent_dim)
            inputs += latent_dim
        widths = blocks.widths
        self.basis = nn.Parameter(torch.randn(widths[0], *blocks.base))
        self.weights = _initialize(nn.Linear(inputs, widths[0], bias=False))
        layers = blocks.stage(widths[0])
        for smaller, larger in pairwise(widths):
            layers += [Resample(smaller, larger, double=True), *blocks.stage(larger)]
        self.layers = nn.Sequential(*layers)
        self.to_image = _initialize(nn.Conv2d(widths[-1], image_channels, 1, bias=False))

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to images (N, C, H, W)."""
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(condition)], dim=1)
        x = self.basis * self.weights(z)[:, :, None, None]
        images: torch.Tensor = self.to_image(self.layers(x))
        return images


class R3GANDiscriminator(nn.Module):
    """Residual blocks that halve an image, and a logit of the features that are left.

    Args:
        image_channels: channels of the images.
        blocks: the residual blocks.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self, image_channels: int, blocks: Blocks, *, condition: Condition | None = None
    ) -> None:
        super().__init__()
        widths = blocks.widths[::-1]
        self.from_image = _initialize(nn.Conv2d(image_channels, widths[0], 1, bias=False))
        layers = blocks.stage(widths[0])
        for larger, smaller in pairwise(widths):
            layers += [Resample(larger, smaller, double=False), *blocks.stage(smaller)]
        self.layers = nn.Sequential(*layers)
        features = widths[-1]
        self.basis = _initialize(
            nn.Conv2d(features, features, blocks.base, groups=features, bias=False)
        )
        self.head = _initialize(
            nn.Linear(features, 1 if condition is None else features, bias=False)
        )
        self.embedding = None
        if condition is not None:
            self.embedding = _embedding(condition, features, gain=features**-0.5)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) and their conditions, or None, to logits (N,)."""
        features = self.head(self.basis(self.layers(self.from_image(x))).flatten(1))
        if self.embedding is not None:
            features = features * self.embedding(condition)
        logits: torch.Tensor = features.sum(1)
        return logits


def _embedding(condition: Condition, width: int, *, gain: float = 1.0) -> nn.Module:
    """Build an embedding whose first weights are those of a linear layer on as many inputs."""
    layer = embedding(condition, width)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(condition.size))
    return layer


def _initialize(layer: Layer, gain: float = 1.0) -> Layer:
    """Draw weights of variance gain² / inputs and set biases to zero; return the layer."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
