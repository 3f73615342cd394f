"""Modules without weights, for samples that are their own features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PixelRows(nn.Module):
    """Maps images (N, C, H, W) uint8 to their pixels (N, C * size * size) in [0, 1].

    Args:
        size: height and width after averaging over areas, in pixels; None for images as they are.
    """

    def __init__(self, size: int | None) -> None:
        super().__init__()
        self.size = size
        self.eval()

    def forward(self, samples: Tensor) -> tuple[Tensor, None]:
        """Return features, and no logits."""
        images = samples.to(torch.float32) / 255
        if self.size is not None:
            images = nn.functional.interpolate(images, size=(self.size, self.size), mode="area")
        return images.flatten(1), None


class Points(nn.Module):
    """Maps points (N, D) to themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def forward(self, samples: Tensor) -> tuple[Tensor, None]:
        """Return features, and no logits."""
        return samples, None
