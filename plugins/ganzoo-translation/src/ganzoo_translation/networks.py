"""Translators and the discriminator of patches, in torch.

Translators have an attribute ``unit``: they translate images of any height and width that are multiples
of it. Their method ``encoded`` gives what their first layers see, for contrastive losses, and
``encoded_channels`` how many channels each of it has.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

Normalization = Callable[[int], nn.Module]

WIDEST = 8
"""The widest layers have so many times the channels of those next to the image."""

ENCODED = 3
"""Halvings of the U-Net after which patches are still compared."""

MOST_DROPOUT = 3
"""Blocks of the U-Net that drop out, at most."""


class UNet(nn.Module):
    """The U-Net of pix2pix.

    Args:
        inputs: channels of sources.
        outputs: channels of samples.
        channels: of the layers next to the image.
        depth: how often images are halved.
        normalization: makes the layer after a convolution, for so many channels.
        dropout: probability of dropout in the first blocks that double.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        channels: int,
        *,
        depth: int,
        normalization: Normalization,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.unit = 2**depth
        widths = [channels * min(2**level, WIDEST) for level in range(depth)]
        self.encoded_channels = [inputs, *widths[:ENCODED]]
        # The first and the innermost have no normalization: one sees the image, one a single pixel.
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.LeakyReLU(0.2) if level else nn.Identity(),
                nn.Conv2d(before, width, 4, stride=2, padding=1),
                normalization(width) if 0 < level < depth - 1 else nn.Identity(),
            )
            for level, (before, width) in enumerate(zip([inputs, *widths], widths, strict=False))
        )
        dropping = min(MOST_DROPOUT, (depth - 1) // 2)
        self.up = nn.ModuleList()
        for level in reversed(range(depth)):
            before = widths[level] * (1 if level == depth - 1 else 2)
            after = widths[level - 1] if level else outputs
            last: list[nn.Module] = [normalization(after) if level else nn.Tanh()]
            if dropout and level >= max(1, depth - dropping):
                last.append(nn.Dropout(dropout))
            doubled = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            self.up.append(nn.Sequential(nn.ReLU(), doubled, *last))
        _initialize(self)

    def forward(self, source: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map sources (N, C, H, W) to samples (N, C', H, W) in [-1, 1]."""
        del condition
        seen = [source]
        for block in self.down:
            seen.append(block(seen[-1]))
        x = seen.pop()
        for block in self.up:
            x = block(x)
            shortcut = seen.pop()
            x = torch.cat([x, shortcut], dim=1) if seen else x
        return x

    def encoded(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return sources and what the first layers that halve them see."""
        seen = [source]
        for block in self.down[:ENCODED]:
            seen.append(block(seen[-1]))
        return seen


class Residual(nn.Module):
    """Two convolutions whose result is added to the input."""

    def __init__(self, channels: int, normalization: Normalization) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), normalization(channels)),
            nn.ReLU(),
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), normalization(channels)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return images of the same shape."""
        added: torch.Tensor = x + self.layers(x)
        return added


class ResNetTranslator(nn.Module):
    """The translator of CycleGAN.

    Args:
        inputs: channels of sources.
        outputs: channels of samples.
        channels: of the layers next to the image.
        blocks: residual blocks.
        normalization: makes the layer after a convolution, for so many channels.
    """

    unit = 4

    def __init__(
        self, inputs: int, outputs: int, channels: int, *, blocks: int, normalization: Normalization
    ) -> None:
        super().__init__()

        def after(width: int) -> tuple[nn.Module, nn.Module]:
            return normalization(width), nn.ReLU()

        one, two, four = (channels * factor for factor in (1, 2, 4))
        # After both halvings, and after the first and the middle one of the residual blocks.
        self._encoding = sorted({4, 7, 10, 10 + blocks // 2} - {10 + blocks})
        self.encoded_channels = [inputs, two, *[four] * (len(self._encoding) - 1)]
        self.layers = nn.Sequential(
            *(nn.ReflectionPad2d(3), nn.Conv2d(inputs, one, 7), *after(one)),
            *(nn.Conv2d(one, two, 3, stride=2, padding=1), *after(two)),
            *(nn.Conv2d(two, four, 3, stride=2, padding=1), *after(four)),
            *(Residual(four, normalization) for _ in range(blocks)),
            *(nn.ConvTranspose2d(four, two, 3, 2, padding=1, output_padding=1), *after(two)),
            *(nn.ConvTranspose2d(two, one, 3, 2, padding=1, output_padding=1), *after(one)),
            *(nn.ReflectionPad2d(3), nn.Conv2d(one, outputs, 7), nn.Tanh()),
        )
        _initialize(self)

    def forward(self, source: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map sources (N, C, H, W) to samples (N, C', H, W) in [-1, 1]."""
        del condition
        samples: torch.Tensor = self.layers(source)
        return samples

    def encoded(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return sources and what some layers of the first half see."""
        seen, x = [source], source
        for number, layer in enumerate(self.layers[: self._encoding[-1] + 1]):
            x = layer(x)
            if number in self._encoding:
                seen.append(x)
        return seen


class PatchGAN(nn.Module):
    """Strided convolutions, and a logit for each patch.

    Args:
        inputs: channels of images.
        channels: of the first layer.
        layers: how many halve the image; with 0, each pixel is looked at alone.
        normalization: makes the layer after a convolution, for so many channels.
    """

    def __init__(
        self, inputs: int, channels: int, layers: int, normalization: Normalization
    ) -> None:
        super().__init__()
        kernel, padding = (4, 1) if layers else (1, 0)
        strides = [*[2] * layers, 1] if layers else [1, 1]
        widths = [channels * min(2**level, WIDEST) for level in range(len(strides))]
        parts: list[nn.Module] = []
        for level, (width, stride) in enumerate(zip(widths, strides, strict=True)):
            before = widths[level - 1] if level else inputs
            parts.append(nn.Conv2d(before, width, kernel, stride, padding))
            parts += [normalization(width)] if level else []
            parts.append(nn.LeakyReLU(0.2))
        parts += [nn.Conv2d(widths[-1], 1, kernel, 1, padding), nn.Flatten()]
        self.layers = nn.Sequential(*parts)
        _initialize(self)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images (N, C, H, W) to raw logits (N, patches)."""
        del condition
        logits: torch.Tensor = self.layers(x)
        return logits


def _initialize(network: nn.Module) -> None:
    """Draw the weights of convolutions from a normal distribution of standard deviation 0.02."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
