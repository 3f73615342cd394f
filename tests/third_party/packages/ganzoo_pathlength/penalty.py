"""The formula."""

from __future__ import annotations

import torch
from torch import nn

from ganzoo.components import LossInputs


class PathLengthPenalty(nn.Module):
    """mean (‖Jᵀy‖ - a)², y normal noise and a the moving mean of lengths (Karras et al. 2020, eq. 4).

    Args:
        decay: fraction of the mean that each use keeps.
    """

    mean: torch.Tensor

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs: LossInputs) -> torch.Tensor:
        """Return the penalty, and move the mean."""
        assert inputs.latents is not None
        assert inputs.generator is not None
        latents = inputs.latents.detach().requires_grad_()
        samples = inputs.generator(latents, inputs.condition)
        noise = torch.randn(samples.shape, generator=inputs.rng, device=inputs.rng.device)
        noise = noise.to(samples) / samples[0, 0].numel() ** 0.5
        (gradient,) = torch.autograd.grad((samples * noise).sum(), latents, create_graph=True)
        lengths = gradient.norm(dim=1)
        with torch.no_grad():
            self.mean.lerp_(lengths.mean(), 1 - self.decay)
        penalty: torch.Tensor = (lengths - self.mean).square().mean()
        return penalty
