"""Latent, discriminator and loss in torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import DiscriminatorOutput, LossInputs


class Codes(nn.Module):
    """Draws codes and noise.

    Args:
        dim: number of coordinates.
        categories: number of values of each categorical code.
        continuous: number of continuous codes.
    """

    def __init__(self, dim: int, categories: Sequence[int], continuous: int) -> None:
        super().__init__()
        self.categories, self.continuous = categories, continuous
        self.noise = dim - sum(categories) - continuous

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw latents (n, dim)."""
        parts = [
            F.one_hot(torch.randint(size, (n,), generator=rng, device=rng.device), size).float()
            for size in self.categories
        ]
        parts.append(torch.rand(n, self.continuous, generator=rng, device=rng.device) * 2 - 1)
        parts.append(torch.randn(n, self.noise, generator=rng, device=rng.device))
        return torch.cat(parts, dim=1)


class CodeReader(nn.Module):
    """A hidden layer with two heads.

    Args:
        sample_shape: shape of one sample.
        hidden: units of the hidden layer.
        codes: coordinates to read.
    """

    def __init__(self, sample_shape: tuple[int, ...], hidden: int, codes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(sample_shape), hidden), nn.LeakyReLU(0.2)
        )
        self.real, self.codes = nn.Linear(hidden, 1), nn.Linear(hidden, codes)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor | None = None
    ) -> DiscriminatorOutput:
        """Map samples to logits (N,) and codes (N, codes)."""
        features = self.body(x)
        return DiscriminatorOutput(self.real(features).view(-1), codes=self.codes(features))


class Information:
    """-log Q(c | x): cross entropy of categorical codes, squared error of continuous ones.

    Args:
        categories: number of values of each categorical code.
        continuous: number of continuous codes.
    """

    def __init__(self, categories: Sequence[int], continuous: int) -> None:
        self.sizes, self.continuous = [*categories, continuous], continuous

    def __call__(self, inputs: LossInputs) -> torch.Tensor:
        """Compare the codes read from fake samples with those that they were generated from."""
        read, latents = inputs.fake_output.codes, inputs.latents
        assert read is not None
        assert latents is not None
        *logits, means = torch.split(read, self.sizes, dim=1)
        *drawn, values = torch.split(latents[:, : read.shape[1]], self.sizes, dim=1)
        terms = [F.cross_entropy(*pair) for pair in zip(logits, drawn, strict=True)]
        if self.continuous:
            terms.append(F.mse_loss(means, values) / 2)
        return torch.stack(terms).sum()
