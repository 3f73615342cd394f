"""Residual generators and discriminators in torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

from ganzoo.components import Condition
from ganzoo.nn import embedding

Activation = Callable[[], nn.Module]
Init = Literal["xavier", "orthogonal"]


class ConditionalBatchNorm(nn.BatchNorm2d):
    """Batch norm whose scale and shift are a linear function of a vector for each sample.

    Miyato and Koyama 2018; with the scale 1 and the shift 0 for a vector of zeros. Without vectors it
    is batch norm.

    Args:
        channels: of the images.
        told: length of the vectors, or 0 for none.
    """

    def __init__(self, channels: int, told: int) -> None:
        super().__init__(channels, affine=not told)
        self.scale = self.shift = None
        if told:
            self.scale = nn.Linear(told, channels, bias=False)
            self.shift = nn.Linear(told, channels, bias=False)

    def forward(self, x: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
        """Normalize images (N, C, H, W), given vectors (N, told) or None."""
        x = super().forward(x)
        if self.scale is None or self.shift is None:
            return x
        scale, shift = self.scale(told)[:, :, None, None], self.shift(told)[:, :, None, None]
        changed: torch.Tensor = x * (1 + scale) + shift
        return changed


class UpBlock(nn.Module):
    """A residual block that doubles images: normalization, activation and convolution, twice.

    Args:
        inputs: channels of the images.
        outputs: channels of the result.
        activation: makes the function before each convolution.
        told: length of what the normalizations are told, or 0.
        upsampling: how images are doubled.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation,
        told: int,
        upsampling: Literal["nearest", "bilinear"],
    ) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm(inputs, told)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = ConditionalBatchNorm(outputs, told)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)
        self.activation1, self.activation2 = activation(), activation()
        self.upsampling = upsampling

    def forward(self, x: torch.Tensor, told: torch.Tensor | None) -> torch.Tensor:
        """Map images (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        y = self._doubled(self.activation1(self.norm1(x, told)))
        y = self.conv2(self.activation2(self.norm2(self.conv1(y), told)))
        images: torch.Tensor = y + self._doubled(self.shortcut(x))
        return images

    def _doubled(self, x: torch.Tensor) -> torch.Tensor:
        corners = False if self.upsampling == "bilinear" else None
        return F.interpolate(x, scale_factor=2, mode=self.upsampling, align_corners=corners)


class DownBlock(nn.Module):
    """A residual block without normalization, that may halve images by their mean.

    Args:
        inputs: channels of the images.
        outputs: channels of the result.
        activation: makes the function before each convolution.
        halve: whether images are halved.
        first: whether the block reads the data itself, which no activation should act on.
    """

    def __init__(
        self, inputs: int, outputs: int, activation: Activation, *, halve: bool, first: bool
    ) -> None:
        super().__init__()
        inside = outputs if first else inputs
        self.activation1 = nn.Identity() if first else activation()
        self.conv1 = nn.Conv2d(inputs, inside, 3, padding=1)
        self.activation2 = activation()
        self.conv2 = nn.Conv2d(inside, outputs, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if halve or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)
        self.pool = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, inputs, H, W) to (N, outputs, H, W), or to half the size."""
        y = self.conv2(self.activation2(self.conv1(self.activation1(x))))
        images: torch.Tensor = self.pool(y) + self.shortcut(self.pool(x))
        return images


class SelfAttention(nn.Module):
    """Each pixel adds a mean of all others, weighted by their similarity (SAGAN, Zhang et al. 2019).

    Keys and values are pooled to a quarter, as in BigGAN (Brock et al. 2019). The factor of what is
    added starts at zero.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, inside, 1, bias=False)
        self.key = nn.Conv2d(channels, inside, 1, bias=False)
        self.value = nn.Conv2d(channels, max(channels // 2, 1), 1, bias=False)
        self.output = nn.Conv2d(max(channels // 2, 1), channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to images of the same shape."""
        query = self.query(x).flatten(2).transpose(1, 2)  # (N, HW, C/8)
        key = F.max_pool2d(self.key(x), 2).flatten(2)  # (N, C/8, HW/4)
        value = F.max_pool2d(self.value(x), 2).flatten(2).transpose(1, 2)  # (N, HW/4, C/2)
        mixed = (query @ key).softmax(dim=-1) @ value
        images = mixed.transpose(1, 2).unflatten(2, x.shape[2:])
        changed: torch.Tensor = x + self.gain * self.output(images)
        return changed


class ResNetGenerator(nn.Module):
    """Residual blocks from a latent to an image.

    Args:
        latent_dim: number of latent coordinates.
        sample_shape: (channels, height, width), the stem doubled by each block.
        channels: width of the stem and of each block.
        activation: makes the functions of the hidden layers.
        output_activation: function of the output.
        upsampling: how images are doubled.
        attention: whether self-attention follows, for each block.
        embedding_dim: length of the condition's embedding.
        split_latent: whether stem and blocks read a part of the latent each.
        init: first weights.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        latent_dim: int,
        sample_shape: tuple[int, ...],
        channels: tuple[int, ...],
        *,
        activation: Activation = nn.ReLU,
        output_activation: nn.Module,
        upsampling: Literal["nearest", "bilinear"] = "nearest",
        attention: tuple[bool, ...] = (),
        embedding_dim: int = 128,
        split_latent: bool = False,
        init: Init = "xavier",
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        image_channels, height, width = sample_shape
        depth = len(channels) - 1
        self.embedding = None if condition is None else embedding(condition, embedding_dim)
        part = latent_dim // (depth + 1) if split_latent else 0
        self.parts = [latent_dim - part * depth, *[part] * depth]
        told = part + (embedding_dim if condition is not None else 0)
        base = (channels[0], height >> depth, width >> depth)
        self.stem = nn.Linear(self.parts[0], math.prod(base))
        self.base = base
        self.blocks, self.attention = nn.ModuleList(), nn.ModuleList()
        for index in range(depth):
            outputs = channels[index + 1]
            self.blocks.append(UpBlock(channels[index], outputs, activation, told, upsampling))
            attends = bool(attention) and attention[index]
            self.attention.append(SelfAttention(outputs) if attends else nn.Identity())
        self.norm, self.activation = nn.BatchNorm2d(channels[-1]), activation()
        self.to_image = nn.Conv2d(channels[-1], image_channels, 3, padding=1)
        self.output_activation = output_activation
        _initialize(self, init)

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to images (N, C, H, W)."""
        stem, *parts = torch.split(z, self.parts, dim=1)
        x = self.stem(stem).unflatten(1, self.base)
        classes = None if self.embedding is None else self.embedding(condition)
        for block, attention, part in zip(self.blocks, self.attention, parts, strict=True):
            told = part if classes is None else torch.cat([classes, part], dim=1)
            x = attention(block(x, told))
        images: torch.Tensor = self.output_activation(self.to_image(self.activation(self.norm(x))))
        return images


class ResNetDiscriminator(nn.Module):
    """Residual blocks from an image to a logit.

    Args:
        image_channels: channels of the images.
        channels: width of each block.
        halvings: how many blocks, from the first on, halve the image.
        activation: makes the functions of the hidden layers.
        attention: whether self-attention follows, for each block.
        init: first weights.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        image_channels: int,
        channels: tuple[int, ...],
        *,
        halvings: int,
        activation: Activation = nn.ReLU,
        attention: tuple[bool, ...] = (),
        init: Init = "xavier",
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, outputs in enumerate(channels):
            inputs = channels[index - 1] if index else image_channels
            halve = index < halvings
            layers.append(DownBlock(inputs, outputs, activation, halve=halve, first=index == 0))
            if attention and attention[index]:
                layers.append(SelfAttention(outputs))
        self.layers = nn.Sequential(*layers, activation())
        self.head = nn.Linear(channels[-1], 1)
        self.embedding = None if condition is None else embedding(condition, channels[-1])
        _initialize(self, init)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) and their conditions, or None, to logits (N,)."""
        features = self.layers(x).sum((2, 3))
        logits: torch.Tensor = self.head(features).view(-1)
        if self.embedding is not None:
            logits = logits + (self.embedding(condition) * features).sum(1)
        return logits


def _initialize(network: nn.Module, init: Init) -> None:
    """Draw first weights: convolutions of 3x3 pixels inside blocks get a gain of √2 under ``xavier``."""
    inside = {
        layer
        for block in network.modules()
        if isinstance(block, UpBlock | DownBlock)
        for layer in (block.conv1, block.conv2)
    }
    told = {
        layer
        for norm in network.modules()
        if isinstance(norm, ConditionalBatchNorm)
        for layer in (norm.scale, norm.shift)
    }
    for layer in network.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding):
            continue
        if layer in told:
            nn.init.normal_(layer.weight, std=0.02)
        elif init == "orthogonal":
            nn.init.orthogonal_(layer.weight)
        else:
            nn.init.xavier_uniform_(layer.weight, math.sqrt(2) if layer in inside else 1.0)
        if isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
