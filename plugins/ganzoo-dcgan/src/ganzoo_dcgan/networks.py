"""The deep convolutional networks in torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganzoo_dcgan.layers import ImageToVector, VectorToImage
from ganzoo_dcgan.sizes import convolved, doublings

if TYPE_CHECKING:
    from ganzoo_dcgan import components

INIT_STD = 0.02
"""Deviation of first weights in Radford et al. 2016."""


class DCGANGenerator(nn.Module):
    """Transposed convolutions from a latent to an image.

    Args:
        spec: the layers' parameters.
        latent_dim: number of latent coordinates.
        sample_shape: (channels, height, width), one of those that ``spec.check`` accepts.
        num_classes: number of classes, or None for an unconditional network.
    """

    def __init__(
        self,
        spec: components.DCGANGenerator,
        latent_dim: int,
        sample_shape: tuple[int, ...],
        num_classes: int | None,
    ) -> None:
        super().__init__()
        self.classes = None if num_classes is None else nn.Embedding(num_classes, num_classes)
        inputs = latent_dim + (num_classes or 0)
        self.layers = nn.Sequential(*_effective(_generator_layers(spec, inputs, sample_shape)))
        if spec.init == "dcgan":
            _initialise(self.layers)

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and labels (N,) or None to images (N, C, H, W)."""
        if self.classes is not None:
            z = torch.cat([z, self.classes(labels)], dim=1)
        images: torch.Tensor = self.layers(z)
        return images


class DCGANDiscriminator(nn.Module):
    """Strided convolutions from an image to a logit.

    Args:
        spec: the layers' parameters.
        sample_shape: (channels, height, width), one of those that ``spec.check`` accepts.
        num_classes: number of classes, or None for an unconditional network.
    """

    def __init__(
        self,
        spec: components.DCGANDiscriminator,
        sample_shape: tuple[int, ...],
        num_classes: int | None,
    ) -> None:
        super().__init__()
        image_channels, size, _ = sample_shape
        depth = doublings(size)
        self.body = nn.Sequential(*_effective(_discriminator_layers(spec, image_channels, depth)))
        for _ in range(depth):
            size = convolved(size, spec.kernel_size, spec.padding)
        channels = spec.channels << (depth - 1)
        features = channels * size**2
        self.head: nn.Module
        if spec.head == "linear":
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(features, 1, bias=spec.bias))
        else:
            self.head = ImageToVector(channels, 1, size, bias=spec.bias)
        if spec.init == "dcgan":
            _initialise(self)
        self.classes = None
        if num_classes is not None:
            self.classes = nn.Embedding(num_classes, features)
            nn.init.normal_(self.classes.weight, std=INIT_STD)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) and labels (N,) or None to logits (N,)."""
        features: torch.Tensor = self.body(x)
        logits: torch.Tensor = self.head(features).view(-1)
        if self.classes is not None:
            logits = logits + (self.classes(labels) * features.flatten(1)).sum(1)
        return logits


def _generator_layers(
    spec: components.DCGANGenerator, inputs: int, sample_shape: tuple[int, ...]
) -> Iterator[nn.Module]:
    image_channels, size, _ = sample_shape
    depth = doublings(size)
    stem = size >> depth
    width = spec.channels << (depth - 1 + spec.stem_convolutions)
    if spec.stem == "linear":
        values = width * stem**2
        yield nn.Linear(inputs, values, bias=spec.bias)
        yield from _activate(spec, spec.normalization.build(values, 0))
        yield nn.Unflatten(1, (width, stem, stem))
    else:
        yield VectorToImage(inputs, width, stem, bias=spec.bias)
        yield from _activate(spec, spec.normalization.build(width, 2))
    for _ in range(spec.stem_convolutions):
        yield nn.ConvTranspose2d(width, width // 2, 3, padding=1, bias=spec.bias)
        width //= 2
        yield from _activate(spec, spec.normalization.build(width, 2))
    for _ in range(depth - 1):
        yield _double(spec, width, width // 2)
        width //= 2
        yield from _activate(spec, spec.normalization.build(width, 2))
    yield _double(spec, width, image_channels)
    yield spec.output_activation.build()


def _double(spec: components.DCGANGenerator, inputs: int, outputs: int) -> nn.Module:
    """Build a transposed convolution that doubles the size exactly, whatever its kernel."""
    return nn.ConvTranspose2d(
        inputs,
        outputs,
        spec.kernel_size,
        stride=2,
        padding=(spec.kernel_size - 1) // 2,
        output_padding=spec.kernel_size % 2,
        bias=spec.bias,
    )


def _discriminator_layers(
    spec: components.DCGANDiscriminator, image_channels: int, depth: int
) -> Iterator[nn.Module]:
    inputs = image_channels
    for level in range(depth):
        width = spec.channels << level
        yield nn.Conv2d(
            inputs, width, spec.kernel_size, stride=2, padding=spec.padding, bias=spec.bias
        )
        normalized = level > 0 or spec.normalize_first
        normalization = spec.normalization.build(width, 2) if normalized else nn.Identity()
        dropout = (nn.Dropout2d(spec.dropout),) if spec.dropout else ()
        yield from _activate(spec, normalization, *dropout)
        inputs = width


def _activate(
    spec: components.DCGANGenerator | components.DCGANDiscriminator,
    normalization: nn.Module,
    *dropout: nn.Module,
) -> Iterator[nn.Module]:
    """Yield what follows a convolution; dropout comes right after the activation function."""
    activation = (spec.activation.build(), *dropout)
    if spec.norm_position == "before_activation":
        yield from (normalization, *activation)
    else:
        yield from (*activation, normalization)


def _effective(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Leave out layers that do nothing: small networks feel the cost of every call."""
    return [layer for layer in layers if not isinstance(layer, nn.Identity)]


def _initialise(network: nn.Module) -> None:
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
