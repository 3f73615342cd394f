"""Translated images of earlier steps."""

from __future__ import annotations

import torch
from torch import nn


class ImagePool(nn.Module):
    """Images that a discriminator is shown again (Shrivastava et al. 2017, arXiv:1612.07828).

    Until it is full, it keeps what it is given. From then on, each image that comes is exchanged for one
    in the pool, drawn at random, with probability one half. Its content is in checkpoints.

    Args:
        size: number of images, or 0 for none.
        shape: of an image.
    """

    images: torch.Tensor
    filled: torch.Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros(1, dtype=torch.int64))

    def forward(self, fresh: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return as many images as are given, fresh ones and kept ones."""
        size, count = len(self.images), len(fresh)
        if not size:
            return fresh
        drawn = torch.randint(size, (count,), generator=rng, device=rng.device).to(fresh.device)
        swaps = torch.rand(count, generator=rng, device=rng.device).to(fresh.device) < 0.5
        axes = [1] * (fresh.dim() - 1)
        shown = []
        for index in range(count):
            image, other, swap = (each[index : index + 1] for each in (fresh, drawn, swaps))
            # Whether there is room is decided on the device, which the loop then need not wait for.
            room = self.filled < size
            slot = torch.where(room, self.filled, other)
            kept = self.images[slot]
            exchanged = swap & ~room
            shown.append(torch.where(exchanged.view(-1, *axes), kept, image))
            self.images[slot] = torch.where((exchanged | room).view(-1, *axes), image, kept)
            self.filled += room
        return torch.cat(shown)
