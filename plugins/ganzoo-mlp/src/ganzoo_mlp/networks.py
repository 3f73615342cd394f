"""The fully connected networks in torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from ganzoo_mlp import components


class MLPGenerator(nn.Module):
    """Linear layers from a latent to a sample.

    Args:
        spec: the layers' parameters.
        latent_dim: number of latent coordinates.
        sample_shape: shape of one sample.
        num_classes: number of classes, or None for an unconditional network.
    """

    def __init__(
        self,
        spec: components.MLPGenerator,
        latent_dim: int,
        sample_shape: tuple[int, ...],
        num_classes: int | None,
    ) -> None:
        super().__init__()
        self.sample_shape = sample_shape
        self.classes = _class_vectors(num_classes)
        inputs, outputs = latent_dim + (num_classes or 0), math.prod(sample_shape)
        layers = (*_layers(spec, inputs, outputs), spec.output_activation.build())
        self.layers = nn.Sequential(*_effective(layers))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and labels (N,) or None to samples (N, *sample_shape)."""
        if self.classes is not None:
            z = torch.cat([z, self.classes(labels)], dim=1)
        samples: torch.Tensor = self.layers(z)
        return samples.view(-1, *self.sample_shape)


class MLPDiscriminator(nn.Module):
    """Linear layers from a sample to a logit.

    Args:
        spec: the layers' parameters.
        sample_shape: shape of one sample.
        num_classes: number of classes, or None for an unconditional network.
    """

    def __init__(
        self,
        spec: components.MLPDiscriminator,
        sample_shape: tuple[int, ...],
        num_classes: int | None,
    ) -> None:
        super().__init__()
        self.classes = _class_vectors(num_classes)
        inputs = math.prod(sample_shape) + (num_classes or 0)
        self.layers = nn.Sequential(*_effective(_layers(spec, inputs, 1)))

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Map samples (N, *sample_shape) and labels (N,) or None to logits (N,)."""
        x = x.flatten(1)
        if self.classes is not None:
            x = torch.cat([x, self.classes(labels)], dim=1)
        logits: torch.Tensor = self.layers(x)
        return logits.view(-1)


def _class_vectors(num_classes: int | None) -> nn.Embedding | None:
    """One learned vector a class, as long as the one-hot vector of the paper; None without classes."""
    return None if num_classes is None else nn.Embedding(num_classes, num_classes)


def _layers(spec: components._MLP, inputs: int, outputs: int) -> Iterator[nn.Module]:
    for width in spec.hidden:
        yield nn.Linear(inputs, width)
        yield spec.normalization.build(width, 0)
        yield spec.activation.build()
        if spec.dropout:
            yield nn.Dropout(spec.dropout)
        inputs = width
    yield nn.Linear(inputs, outputs)


def _effective(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Leave out layers that do nothing: small networks feel the cost of every call."""
    return [layer for layer in layers if not isinstance(layer, nn.Identity)]
