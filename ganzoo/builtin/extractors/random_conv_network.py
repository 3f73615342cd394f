"""Four convolutions with random weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256)
"""Channels after each convolution; the last are the features."""

SLOPE = 0.2
"""Of the leaky ReLU, below 0."""


class RandomConvNetwork(nn.Module):
    """Maps images (N, C, H, W) uint8 to features (N, 256).

    Weights are drawn on the CPU from a normal distribution that keeps the variance from layer to
    layer (He et al., 2015, arXiv:1502.01852).

    Args:
        channels: C.
        seed: seed of the weights.
    """

    def __init__(self, channels: int, seed: int) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        kernels = []
        for width in WIDTHS:
            gain = math.sqrt(2 / (1 + SLOPE**2) / (9 * channels))
            kernels.append(gain * torch.randn(width, channels, 3, 3, generator=rng))
            channels = width
        self.kernels = nn.ParameterList(kernels)
        self.requires_grad_(False)
        self.eval()

    def forward(self, samples: Tensor) -> tuple[Tensor, None]:
        """Return features, and no logits."""
        x = samples.to(torch.float32) / 127.5 - 1
        for kernel in self.kernels:
            x = nn.functional.conv2d(x, kernel, stride=2, padding=1)
            x = nn.functional.leaky_relu(x, SLOPE)
        return x.mean((2, 3)), None
