"""Two convolutions that are matrix products, and are computed as such.

A convolution whose input or output is a single pixel visits every weight once: torch's convolution
routines, made for sliding windows, take longer than the product. Parameters, their names and their
first values are those of torch's layers, so weights move freely between both.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom


class VectorToImage(nn.ConvTranspose2d):
    """A transposed convolution of one pixel.

    Args:
        inputs: length of the vectors: the channels of the pixel.
        channels: channels of the images.
        size: their height and width, in pixels.
        bias: whether each channel has a bias.
    """

    def __init__(self, inputs: int, channels: int, size: tuple[int, int], *, bias: bool) -> None:
        super().__init__(inputs, channels, size, bias=bias)

    def forward(self, z: torch.Tensor) -> torch.Tensor:  # type: ignore[override] # one output size
        """Map vectors (N, inputs) to images (N, channels, height, width)."""
        weight = self.weight
        if _is_channels_last(weight):
            weight = weight.movedim(1, -1)
            images = (z @ weight.flatten(1)).view(-1, *weight.shape[1:]).movedim(-1, 1)
        else:
            images = (z @ weight.flatten(1)).view(-1, *weight.shape[1:])
        return images if self.bias is None else images + self.bias[:, None, None]


class ImageToVector(nn.Conv2d):
    """A convolution with a kernel as large as its input.

    Args:
        channels: channels of the images.
        outputs: length of the vectors.
        size: their height and width, in pixels.
        bias: whether each output has a bias.
    """

    def __init__(self, channels: int, outputs: int, size: tuple[int, int], *, bias: bool) -> None:
        super().__init__(channels, outputs, size, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, channels, height, width) to vectors (N, outputs)."""
        weight = self.weight
        if _is_channels_last(weight):
            x, weight = x.movedim(1, -1), weight.movedim(1, -1)
        return F.linear(x.flatten(1), weight.flatten(1), self.bias)


def _is_channels_last(weight: torch.Tensor) -> bool:
    """Say whether channels vary fastest in memory, so that flattening them last copies nothing."""
    return weight.is_contiguous(memory_format=torch.channels_last)
