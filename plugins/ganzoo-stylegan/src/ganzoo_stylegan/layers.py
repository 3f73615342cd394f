"""The layers of StyleGAN2 in torch (Karras et al. 2020, arXiv:1912.04958).

All weights are drawn with variance 1 and scaled to the variance of He's initialization whenever they are
used, so that Adam changes all layers at one pace (equalized learning rate: Karras et al. 2018,
arXiv:1710.10196).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

SLOPE = 0.2
"""Slope of the leaky ReLU for negative values."""

EPSILON = 1e-8
"""Keeps what is normalized from being divided by zero."""


def activated(x: torch.Tensor) -> torch.Tensor:
    """Apply the leaky ReLU, with the factor that keeps the variance of its input."""
    return F.leaky_relu(x, SLOPE) * math.sqrt(2)


def normalized(x: torch.Tensor) -> torch.Tensor:
    """Scale vectors (N, width) to a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


class Linear(nn.Module):
    """A linear layer with an equalized learning rate.

    Args:
        inputs: width of the input.
        outputs: width of the output.
        bias: where biases start.
        lr_factor: how much slower the layer learns than others.
    """

    def __init__(
        self, inputs: int, outputs: int, *, bias: float = 0.0, lr_factor: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_factor)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_factor))
        self.gain, self.lr_factor = lr_factor / math.sqrt(inputs), lr_factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs) to (N, outputs)."""
        bias = self.bias if self.lr_factor == 1 else self.bias * self.lr_factor
        return F.linear(x, self.weight * self.gain, bias)


class Filter(nn.Module):
    """The low-pass filter [1, 3, 3, 1] along both axes; beyond the border pixels count as zero.

    Args:
        gain: factor on the result.
        padding: zeros on each side.
        double: whether zeros are put between the pixels first, so that images are doubled.
        halve: whether every second pixel is left out afterwards.
    """

    kernel: torch.Tensor

    def __init__(
        self, *, gain: float = 1.0, padding: int = 1, double: bool = False, halve: bool = False
    ) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", gain * torch.outer(line, line), persistent=False)
        self.convolve = F.conv_transpose2d if double else F.conv2d
        self.stride, self.padding = 2 if double or halve else 1, padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to filtered ones."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return self.convolve(x, kernel, stride=self.stride, padding=self.padding, groups=channels)


def doubling() -> Filter:
    """Build the filter that doubles images."""
    return Filter(gain=4, double=True)


class Convolution(nn.Module):
    """A convolution with an equalized learning rate, which may halve its input.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel_size: of the convolution, an odd number.
        bias: whether there is one.
        halve: whether images are filtered and halved.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, *, bias: bool = True, halve: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain = 1 / math.sqrt(inputs * kernel_size**2)
        self.stride, self.padding, self.filter = 1, kernel_size // 2, None
        if halve and kernel_size == 1:
            self.filter = Filter(halve=True)
        elif halve:
            self.filter = Filter(padding=1 + self.padding)
            self.stride, self.padding = 2, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, inputs, H, W) to (N, outputs, H, W) or half that size."""
        if self.filter is not None:
            x = self.filter(x)
        weight = self.weight * self.gain
        return F.conv2d(x, weight, self.bias, stride=self.stride, padding=self.padding)


class ModulatedConvolution(nn.Module):
    """A convolution whose weights are scaled for each sample by its style (section 2.2 of the paper).

    Weights are scaled for each input channel (modulated), then for each output channel to a norm of 1
    (demodulated). Scaling input and output is the same as scaling weights, and needs no convolution of
    its own for each sample.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        style_dim: width of styles.
        kernel_size: of the convolution, an odd number.
        demodulate: whether weights are demodulated.
        double: whether images are doubled and filtered.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        style_dim: int,
        kernel_size: int,
        *,
        demodulate: bool = True,
        double: bool = False,
    ) -> None:
        super().__init__()
        self.style = Linear(style_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel_size, kernel_size))
        self.gain = 1 / math.sqrt(inputs * kernel_size**2)
        self.padding, self.demodulate = kernel_size // 2, demodulate
        self.filter = Filter(gain=4) if double else None

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Map images (N, inputs, H, W) and styles (N, style_dim) to (N, outputs, H, W) or twice that."""
        scale = self.style(style)
        weight = self.weight * self.gain
        x = x * scale[:, :, None, None]
        if self.filter is None:
            x = F.conv2d(x, weight, padding=self.padding)
        else:
            x = self.filter(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        if self.demodulate:
            squares = scale.square() @ weight.square().sum((2, 3)).T
            x = x * (squares + EPSILON).rsqrt()[:, :, None, None]
        return x


class StyledConvolution(nn.Module):
    """A modulated convolution of 3x3 pixels, then noise of a learned strength, a bias, and leaky ReLU.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        style_dim: width of styles.
        double: whether images are doubled.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int, *, double: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, style_dim, 3, double=double)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor, style: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Map images (N, inputs, H, W) and styles (N, style_dim) to (N, outputs, H, W) or twice that."""
        x = self.convolution(x, style)
        noise = torch.randn(x.shape[0], 1, *x.shape[2:], generator=rng, device=rng.device).to(x)
        return activated(x + self.noise_strength * noise + self.bias[:, None, None])


class StandardDeviation(nn.Module):
    """Adds a channel: how much samples of a group differ (Karras et al. 2018, arXiv:1710.10196).

    The standard deviation over a group, averaged over channels and pixels, tells the discriminator how
    varied samples are. Groups are as large as ``group_size`` allows and the number of samples can be
    divided by.
    """

    def __init__(self, group_size: int) -> None:
        super().__init__()
        self.group_size = group_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, H, W) to (N, C + 1, H, W)."""
        count = len(x)
        size = next(n for n in range(self.group_size, 0, -1) if count % n == 0)
        # As in the authors' program, a group is made of samples that lie a fixed distance apart.
        groups = x.reshape(size, count // size, *x.shape[1:])
        deviation = (groups.var(0, unbiased=False) + EPSILON).sqrt().mean((1, 2, 3))
        deviation = deviation.repeat(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, deviation], 1)
