"""The translator in torch."""

from __future__ import annotations

import torch
from torch import nn


class Residual(nn.Module):
    """What two convolutions see is added to the source.

    Args:
        image_channels: of the images.
        channels: of the hidden layer.
    """

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(image_channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, image_channels, 3, padding=1),
        )

    def forward(self, source: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map sources (N, C, H, W) to samples of the same shape."""
        samples: torch.Tensor = (source + self.layers(source)).tanh()
        return samples
