"""The generator in torch."""

from __future__ import annotations

import math

import torch
from torch import nn


class Noisy(nn.Module):
    """Two linear layers with noise between them.

    Args:
        latent_dim: number of latent coordinates.
        hidden: units of the hidden layer.
        sample_shape: shape of one sample.
    """

    def __init__(self, latent_dim: int, hidden: int, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.sample_shape = sample_shape
        self.first, self.last = (
            nn.Linear(latent_dim, hidden),
            nn.Linear(hidden, math.prod(sample_shape)),
        )
        self.strength = nn.Parameter(torch.full((hidden,), 0.1))

    def forward(
        self, z: torch.Tensor, condition: torch.Tensor | None, rng: torch.Generator
    ) -> torch.Tensor:
        """Map latents to samples."""
        hidden = self.first(z)
        noise = torch.randn(hidden.shape, generator=rng, device=rng.device).to(hidden)
        samples: torch.Tensor = self.last((hidden + self.strength * noise).relu()).tanh()
        return samples.view(-1, *self.sample_shape)
