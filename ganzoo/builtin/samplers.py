"""The modules that draw latents: ``(n, rng) -> (n, dim)`` on the device of the generator ``rng``."""

from __future__ import annotations

import math

import torch
from torch import nn


class Normal(nn.Module):
    """Normal coordinates with mean 0 and the given standard deviation."""

    def __init__(self, dim: int, std: float) -> None:
        super().__init__()
        self.dim, self.std = dim, std

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw (n, dim)."""
        return torch.randn(n, self.dim, generator=rng, device=rng.device) * self.std


class TruncatedNormal(nn.Module):
    """Normal coordinates within ``threshold`` standard deviations, by the inverse distribution."""

    def __init__(self, dim: int, std: float, threshold: float) -> None:
        super().__init__()
        self.dim, self.std, self.threshold = dim, std, threshold

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw (n, dim)."""
        uniform = torch.rand(n, self.dim, generator=rng, device=rng.device)
        half_mass = math.erf(self.threshold / math.sqrt(2))
        values = math.sqrt(2) * torch.erfinv((2 * uniform - 1) * half_mass)
        return values.clamp(-self.threshold, self.threshold) * self.std


class Uniform(nn.Module):
    """Uniform coordinates in [low, high)."""

    def __init__(self, dim: int, low: float, high: float) -> None:
        super().__init__()
        self.dim, self.low, self.high = dim, low, high

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw (n, dim)."""
        uniform = torch.rand(n, self.dim, generator=rng, device=rng.device)
        return self.low + (self.high - self.low) * uniform
