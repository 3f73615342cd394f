"""The learned latent in torch."""

from __future__ import annotations

import math

import torch
from torch import nn


class LearnedMixture(nn.Module):
    """Draws from a mixture of Gaussians with trained means and standard deviations.

    Args:
        components: number of Gaussians.
        dim: number of coordinates.
        std: standard deviation of each at first; 0 for none.
        noise: factor of the noise.
    """

    log_std: nn.Parameter | None

    def __init__(self, components: int, dim: int, std: float, noise: float = 1.0) -> None:
        super().__init__()
        self.means = nn.Parameter(torch.randn(components, dim))
        log_std = nn.Parameter(torch.full((components, dim), math.log(std))) if std else None
        self.register_parameter("log_std", log_std)
        self.noise = noise

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw ``n`` latents (n, dim)."""
        chosen = torch.randint(len(self.means), (n,), generator=rng, device=rng.device)
        latents = self.means[chosen]
        if self.log_std is None:
            return latents
        normal = torch.randn(latents.shape, generator=rng, device=rng.device)
        noise = self.noise * self.log_std[chosen].exp() * normal
        return latents + noise
