"""How features reach torchmetrics, whose metrics expect images and a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class Identity(nn.Module):
    """The network of features that are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the features as they are."""
        return features


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the CPU's global generator, which torchmetrics draws from; leave it as it was before."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which seeds every device and leaves those changed.
        torch.default_generator.manual_seed(seed)
        yield
