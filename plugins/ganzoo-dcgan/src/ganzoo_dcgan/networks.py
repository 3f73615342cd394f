"""The deep convolutional networks in torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ganzoo.components import Condition
from ganzoo.nn import embedding
from ganzoo_dcgan.layers import ImageToVector, VectorToImage
from ganzoo_dcgan.sizes import convolved, doublings

INIT_STD = 0.02
"""Deviation of first weights in Radford et al. 2016."""


def _batch_norm(channels: int, dimensions: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if dimensions else nn.BatchNorm1d(channels)


@dataclass(frozen=True)
class Style:
    """What the layers of a network have in common.

    Attributes:
        channels: of the hidden layer next to the image; each farther layer has twice as many.
        kernel_size: of the convolutions of stride 2.
        activation: makes the function of each hidden layer.
        normalization: makes the layer that normalizes activations, for so many channels and axes
            besides them (0 or 2).
        norm_after_activation: whether activations are normalized after the function.
        bias: whether convolutions and linear layers add a bias.
        init: ``dcgan`` draws first weights as the paper does, ``default`` as torch does.
    """

    channels: int = 64
    kernel_size: int = 4
    activation: Callable[[], nn.Module] = nn.ReLU
    normalization: Callable[[int, int], nn.Module] = _batch_norm
    norm_after_activation: bool = False
    bias: bool = False
    init: Literal["dcgan", "default"] = "dcgan"

    def activate(self, normalization: nn.Module, *dropout: nn.Module) -> Iterator[nn.Module]:
        """Yield what follows a convolution; dropout comes right after the activation function."""
        activation = (self.activation(), *dropout)
        if self.norm_after_activation:
            yield from (*activation, normalization)
        else:
            yield from (normalization, *activation)


class DCGANGenerator(nn.Module):
    """Transposed convolutions from a latent to an image.

    Args:
        latent_dim: number of latent coordinates.
        sample_shape: (channels, height, width), which a stem can be doubled to.
        style: what the layers have in common.
        stem: whether the first layer is a transposed ``convolution`` of one pixel or ``linear``.
        stem_convolutions: layers between the stem and the first doubling.
        output_activation: function of the output.
        upsampling: ``transposed`` convolutions, or ``resize`` to repeat pixels before a convolution.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        latent_dim: int,
        sample_shape: tuple[int, ...],
        style: Style,
        *,
        stem: Literal["convolution", "linear"] = "convolution",
        stem_convolutions: int = 0,
        output_activation: nn.Module,
        upsampling: Literal["transposed", "resize"] = "transposed",
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        size = 0 if condition is None else condition.size
        self.classes = None if condition is None else embedding(condition, size)
        double = _resize_and_convolve if upsampling == "resize" else _double
        layers = _generator_layers(
            style, latent_dim + size, sample_shape, stem, stem_convolutions, double
        )
        self.layers = nn.Sequential(*_effective((*layers, output_activation)))
        if style.init == "dcgan":
            _initialize(self.layers)

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to images (N, C, H, W)."""
        if self.classes is not None:
            z = torch.cat([z, self.classes(condition)], dim=1)
        images: torch.Tensor = self.layers(z)
        return images


class DCGANDiscriminator(nn.Module):
    """Strided convolutions from an image to a logit.

    Args:
        sample_shape: (channels, height, width).
        style: what the layers have in common.
        padding: pixels of zeros around the input of each convolution.
        dropout: probability with which each channel is set to 0 in training.
        normalize_first: whether the first layer is normalized.
        head: whether the last layer is a ``convolution`` as large as its input or ``linear``.
        downsampling: ``strided`` convolutions, or ``pool`` for convolutions of stride 1 whose
            activations are averaged over 2x2 pixels.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        sample_shape: tuple[int, ...],
        style: Style,
        *,
        padding: int = 1,
        dropout: float = 0.0,
        normalize_first: bool = False,
        head: Literal["convolution", "linear"] = "convolution",
        downsampling: Literal["strided", "pool"] = "strided",
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        pooled = downsampling == "pool"
        inputs, height, image_width = sample_shape
        size = (height, image_width)
        layers: list[nn.Module] = []
        for level in range(doublings(*size)):
            width = style.channels << level
            stride, kernel = 1 if pooled else 2, style.kernel_size
            layers.append(
                nn.Conv2d(inputs, width, kernel, stride=stride, padding=padding, bias=style.bias)
            )
            normalized = level > 0 or normalize_first
            normalization = style.normalization(width, 2) if normalized else nn.Identity()
            dropped = (nn.Dropout2d(dropout),) if dropout else ()
            layers += style.activate(normalization, *dropped)
            layers += [nn.AvgPool2d(2)] if pooled else []
            inputs = width
            size = (
                convolved(size[0], kernel, padding, pooled=pooled),
                convolved(size[1], kernel, padding, pooled=pooled),
            )
        self.body = nn.Sequential(*_effective(layers))
        features = inputs * size[0] * size[1]
        self.head: nn.Module
        if head == "linear":
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(features, 1, bias=style.bias))
        else:
            self.head = ImageToVector(inputs, 1, size, bias=style.bias)
        if style.init == "dcgan":
            _initialize(self)
        self.classes = None
        if condition is not None:
            self.classes = embedding(condition, features)
            nn.init.normal_(self.classes.weight, std=INIT_STD)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) and their conditions, or None, to logits (N,)."""
        features: torch.Tensor = self.body(x)
        logits: torch.Tensor = self.head(features).view(-1)
        if self.classes is not None:
            logits = logits + (self.classes(condition) * features.flatten(1)).sum(1)
        return logits


def _generator_layers(
    style: Style,
    inputs: int,
    sample_shape: tuple[int, ...],
    stem: str,
    stem_convolutions: int,
    double: Callable[[Style, int, int], nn.Module],
) -> Iterator[nn.Module]:
    """Yield all layers but the output's activation."""
    image_channels, height, image_width = sample_shape
    depth = doublings(height, image_width)
    stem_size = height >> depth, image_width >> depth
    width = style.channels << (depth - 1 + stem_convolutions)
    if stem == "linear":
        values = width * stem_size[0] * stem_size[1]
        yield nn.Linear(inputs, values, bias=style.bias)
        yield from style.activate(style.normalization(values, 0))
        yield nn.Unflatten(1, (width, *stem_size))
    else:
        yield VectorToImage(inputs, width, stem_size, bias=style.bias)
        yield from style.activate(style.normalization(width, 2))
    for _ in range(stem_convolutions):
        yield nn.ConvTranspose2d(width, width // 2, 3, padding=1, bias=style.bias)
        width //= 2
        yield from style.activate(style.normalization(width, 2))
    for _ in range(depth - 1):
        yield double(style, width, width // 2)
        width //= 2
        yield from style.activate(style.normalization(width, 2))
    yield double(style, width, image_channels)


def _double(style: Style, inputs: int, outputs: int) -> nn.Module:
    """Build a transposed convolution that doubles the size exactly, whatever its kernel."""
    return nn.ConvTranspose2d(
        inputs,
        outputs,
        style.kernel_size,
        stride=2,
        padding=(style.kernel_size - 1) // 2,
        output_padding=style.kernel_size % 2,
        bias=style.bias,
    )


def _resize_and_convolve(style: Style, inputs: int, outputs: int) -> nn.Module:
    """Build what doubles the size by repeating pixels, and convolves them (3x3)."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=style.bias)
    )


def _effective(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Leave out layers that do nothing: small networks feel the cost of every call."""
    return [layer for layer in layers if not isinstance(layer, nn.Identity)]


def _initialize(network: nn.Module) -> None:
    """Draw first weights as in the paper; other modules keep what they begin with."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=INIT_STD)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm):
            nn.init.normal_(module.weight, mean=1.0, std=INIT_STD)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
