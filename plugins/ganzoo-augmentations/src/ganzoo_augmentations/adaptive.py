"""What follows the discriminator: a probability p, and the augmentations that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ganzoo_augmentations.transforms import PixelChange, Warp, warp


class Controller(nn.Module):
    """A probability that rises while the mean sign of real logits is above a target, else falls.

    Karras et al. 2020, section 3: the mean sign is their r_t. Nothing here waits for a number.

    Args:
        target: the mean sign that is aimed at.
        every: observations from one change of p to the next.
        ramp: real samples in which p can rise from 0 to 1.
        max_p: what p does not exceed.
    """

    p: torch.Tensor
    signs: torch.Tensor
    samples: torch.Tensor
    observations: torch.Tensor

    def __init__(self, *, target: float, every: int, ramp: int, max_p: float) -> None:
        super().__init__()
        self.target, self.every, self.ramp, self.max_p = target, every, ramp, max_p
        for name in ("p", "signs", "samples"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("observations", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def observe(self, real_logits: torch.Tensor) -> dict[str, torch.Tensor]:
        """Add the signs of an update and, every few updates, move p by one step of equal size."""
        self.signs += real_logits.sign().mean() * len(real_logits)
        self.samples += len(real_logits)
        self.observations += 1
        due = self.observations % self.every == 0
        sign = self.signs / self.samples
        moved = self.p + (sign - self.target).sign() * self.samples / self.ramp
        self.p.copy_(torch.where(due, moved.clamp(0, self.max_p), self.p))
        self.signs.mul_(~due)
        self.samples.mul_(~due)
        return {"p": self.p.clone(), "sign": real_logits.sign().mean()}


class AdaptiveAugment(Controller):
    """Each change happens to each image with probability p (Karras et al. 2020, appendix B).

    Args:
        warps: changes of where pixels come from; composed, so that pixels are interpolated once.
        pixel_changes: changes of colours and of single pixels, which follow.
        numbers: of the controller.
    """

    def __init__(
        self, warps: Sequence[Warp], pixel_changes: Sequence[PixelChange], **numbers: float
    ) -> None:
        super().__init__(**numbers)  # type: ignore[arg-type] # checked by the component's fields
        self.warps, self.pixel_changes = tuple(warps), tuple(pixel_changes)

    def forward(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Change images (N, C, H, W), each in its own way."""
        if self.warps:
            x = warp(x, self.warps, self.p, rng)
        for change in self.pixel_changes:
            x = change(x, self.p, rng)
        return x


class PseudoAugment(Controller):
    """Generated samples stand in for real ones with probability p (Jiang et al. 2021, section 3.2)."""

    def forward(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return samples as they are: only the real ones of an update are mixed."""
        del rng
        return x

    def mix(self, real: torch.Tensor, fake: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Put generated samples in the place of some real ones, of the same conditions."""
        replaced = torch.rand(len(real), generator=rng, device=rng.device) < self.p
        return torch.where(replaced.view(-1, *[1] * (real.dim() - 1)), fake, real)
