"""The smallest parts of a run: what a component is tried with when it is checked by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import nn

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import Component, Discriminator, Generator, registry
from ganzoo.components.registry import Entry, Provider, Registry

BATCH = 4
"""Samples in a batch."""

CLASSES = 3
"""Classes of made-up data."""

LATENT = 5
"""Coordinates of latents."""

CHANNELS = 8
"""Channels of the tiny networks' hidden layer."""

SAMPLE_SHAPES: tuple[tuple[int, ...], ...] = ((1, 28, 28), (3, 32, 32), (3, 24, 40), (2,))
"""Shapes that networks and extractors are tried with: of MNIST, of CIFAR, not square, and points."""


class TinyGenerator(Generator):
    """Two linear layers with a hyperbolic tangent after each."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    supports_conditional: ClassVar[bool] = True

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], num_classes: int | None
    ) -> nn.Module:
        """Build the network."""
        layers = nn.Sequential(
            nn.Linear(latent_dim, CHANNELS),
            nn.Tanh(),
            nn.Linear(CHANNELS, math.prod(sample_shape)),
            nn.Tanh(),
            nn.Unflatten(1, sample_shape),
        )
        return _WithClasses(layers, latent_dim, num_classes)


class TinyDiscriminator(Discriminator):
    """Two linear layers, with a function between them that is smooth enough for any penalty."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    supports_conditional: ClassVar[bool] = True

    def build(self, sample_shape: tuple[int, ...], num_classes: int | None) -> nn.Module:
        """Build the network."""
        inputs = math.prod(sample_shape)
        layers = nn.Sequential(
            nn.Linear(inputs, CHANNELS), nn.Softplus(), nn.Linear(CHANNELS, 1), nn.Flatten(0)
        )
        return _WithClasses(layers, inputs, num_classes)


class _WithClasses(nn.Module):
    """Layers whose input, in one row, is shifted by a learned vector for each class."""

    def __init__(self, layers: nn.Module, inputs: int, num_classes: int | None) -> None:
        super().__init__()
        self.layers = layers
        self.classes = None if num_classes is None else nn.Embedding(num_classes, inputs)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return what the layers make of inputs (N, …) and labels (N,), or None."""
        x = x.flatten(1)
        if self.classes is not None:
            x = x + self.classes(labels)
        result: torch.Tensor = self.layers(x)
        return result


def tiny_dataset(folder: Path, sample_shape: tuple[int, ...]) -> Arrays:
    """Make up a data set of 16 samples in 3 classes, and write its file.

    Args:
        folder: where the file goes.
        sample_shape: (channels, height, width), or (dimensions,) for points.
    """
    rng = np.random.default_rng(0)
    path = folder / "samples.npz"
    labels = np.arange(16) % CLASSES
    if len(sample_shape) == 3:
        images = rng.integers(0, 256, (16, *sample_shape), dtype=np.uint8)
        np.savez(path, images=images, labels=labels)
        return Arrays(path=str(path), layout="nchw")
    points = rng.uniform(-1, 1, (16, *sample_shape)).astype(np.float32)
    np.savez(path, points=points, labels=labels)
    return Arrays(path=str(path))


@contextmanager
def registered(*components: type[Component]) -> Iterator[Registry]:
    """Let specs find components that no installed plugin offers, inside a ``with`` block.

    Args:
        components: members of families; those that are known already stay as they are.
    """
    if all(registry.active().entry_of(component) for component in components):
        yield registry.active()
        return
    known = Registry()
    for entry in registry.active().entries():
        known.add(entry)
    for component in components:
        if known.entry_of(component) is None:
            name = component.model_fields["type"].default
            known.add(Entry(component.family, name, component, Provider("unpackaged", "0")))
    with registry.using(known):
        yield known
