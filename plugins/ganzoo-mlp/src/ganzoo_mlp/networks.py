"""The fully connected networks in torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ganzoo.components import Condition
from ganzoo.nn import embedding


@dataclass(frozen=True)
class HiddenLayers:
    """The hidden layers of a network.

    Attributes:
        widths: units of each, from the input on.
        activation: makes the function after each.
        normalization: makes the layer between each and its activation, for its width.
        dropout: probability with which each unit is silenced in training.
    """

    widths: Sequence[int]
    activation: Callable[[], nn.Module] = nn.ReLU
    normalization: Callable[[int], nn.Module] = nn.Identity
    dropout: float = 0.0

    def between(self, inputs: int, outputs: int) -> Iterator[nn.Module]:
        """Yield all layers from the input to the output."""
        for width in self.widths:
            yield nn.Linear(inputs, width)
            yield self.normalization(width)
            yield self.activation()
            if self.dropout:
                yield nn.Dropout(self.dropout)
            inputs = width
        yield nn.Linear(inputs, outputs)


class MLPGenerator(nn.Module):
    """Linear layers from a latent to a sample.

    Args:
        latent_dim: number of latent coordinates.
        sample_shape: shape of one sample.
        hidden: the hidden layers.
        output_activation: function of the output.
        condition: what the network is told of each sample, or None for an unconditional one.
    """

    def __init__(
        self,
        latent_dim: int,
        sample_shape: tuple[int, ...],
        hidden: HiddenLayers,
        *,
        output_activation: nn.Module,
        condition: Condition | None = None,
    ) -> None:
        super().__init__()
        self.sample_shape = sample_shape
        self.classes = _embedding(condition)
        inputs = latent_dim + _width(condition)
        layers = (*hidden.between(inputs, math.prod(sample_shape)), output_activation)
        self.layers = nn.Sequential(*_effective(layers))

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents (N, latent) and conditions of N samples, or None, to (N, *sample_shape)."""
        if self.classes is not None:
            z = torch.cat([z, self.classes(condition)], dim=1)
        samples: torch.Tensor = self.layers(z)
        return samples.view(-1, *self.sample_shape)


class MLPDiscriminator(nn.Module):
    """Linear layers from a sample to a logit.

    Args:
        sample_shape: shape of one sample.
        hidden: the hidden layers.
        condition: what the network is told of each sample, or None for an unconditional one.
        fourier: frequencies of the sines and cosines that are read beside the sample.
    """

    def __init__(
        self,
        sample_shape: tuple[int, ...],
        hidden: HiddenLayers,
        *,
        condition: Condition | None = None,
        fourier: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.classes = _embedding(condition)
        self.angular = [math.tau * frequency for frequency in fourier]
        inputs = math.prod(sample_shape) * (1 + 2 * len(fourier)) + _width(condition)
        self.layers = nn.Sequential(*_effective(hidden.between(inputs, 1)))

    @property
    def head(self) -> nn.Module:
        """The last layer, from features to the logit."""
        return self.layers[-1]

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map samples (N, *sample_shape) and their conditions, or None, to logits (N,)."""
        x = x.flatten(1)
        if self.angular:
            waves = torch.cat([x * angular for angular in self.angular], dim=1)
            x = torch.cat([x, waves.sin(), waves.cos()], dim=1)
        if self.classes is not None:
            x = torch.cat([x, self.classes(condition)], dim=1)
        logits: torch.Tensor = self.layers(x)
        return logits.view(-1)


def _width(condition: Condition | None) -> int:
    """Length of the vector a condition becomes: that of the one-hot vector in the paper."""
    return 0 if condition is None else condition.size


def _embedding(condition: Condition | None) -> nn.Module | None:
    return None if condition is None else embedding(condition, condition.size)


def _effective(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Leave out layers that do nothing: small networks feel the cost of every call."""
    return [layer for layer in layers if not isinstance(layer, nn.Identity)]
