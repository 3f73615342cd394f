"""The operations, and the controller of their probability."""

from __future__ import annotations

import torch
from torch import nn


class AdaptivePipe(nn.Module):
    """Each operation changes a sample with probability p, which follows the discriminator.

    Args:
        target: mean sign of real logits that is aimed at.
        every: observations from one change of p to the next.
        ramp: real images in which p can rise from 0 to 1.
    """

    p: torch.Tensor
    signs: torch.Tensor
    images: torch.Tensor
    observations: torch.Tensor

    def __init__(self, target: float, every: int, ramp: int) -> None:
        super().__init__()
        self.target, self.every, self.ramp = target, every, ramp
        for name in ("p", "signs", "images"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("observations", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Change samples (N, C, H, W); all is drawn from ``rng``, and nothing waits for p."""
        height, width = x.shape[2:]

        def draw() -> torch.Tensor:
            return torch.rand(len(x), generator=rng, device=rng.device).to(x)

        # Mirror, then move by up to an eighth: both are a choice of columns and rows.
        columns = torch.arange(width, device=x.device).expand(len(x), width)
        mirrored = draw() < self.p / 2
        columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
        columns = (columns + self._shift(draw(), draw(), width)) % width
        rows = torch.arange(height, device=x.device).expand(len(x), height)
        rows = (rows + self._shift(draw(), draw(), height)) % height
        x = x.gather(3, columns[:, None, None, :].expand_as(x))
        x = x.gather(2, rows[:, None, :, None].expand_as(x))
        # Make brighter or darker.
        change = (draw() * 2 - 1) * 0.2 * (draw() < self.p)
        return x + change[:, None, None, None]

    def _shift(self, chance: torch.Tensor, place: torch.Tensor, size: int) -> torch.Tensor:
        pixels = ((place * 2 - 1) * size / 8).round().long() * (chance < self.p)
        return pixels[:, None]

    @torch.no_grad()
    def observe(self, real_logits: torch.Tensor) -> dict[str, torch.Tensor]:
        """Count signs and, every few observations, move p towards the target."""
        self.signs += real_logits.sign().sum()
        self.images += real_logits.numel()
        self.observations += 1
        due = self.observations % self.every == 0
        direction = (self.signs / self.images - self.target).sign()
        moved = (self.p + direction * self.images / self.ramp).clamp(0, 1)
        self.p.copy_(torch.where(due, moved, self.p))
        self.signs.mul_(~due)
        self.images.mul_(~due)
        return {"p": self.p.clone()}
