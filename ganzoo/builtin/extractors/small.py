"""Extractors without weights of anyone's: samples themselves, and a network of random weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ganzoo.builtin.extractors.common import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256)
"""Channels after each convolution of ``random-conv``; the last are the features."""

SLOPE = 0.2
"""Slope of its leaky ReLU below 0."""


class Pixels(FeatureExtractor):
    """The pixels of an image, from 0 to 1, in one row.

    Distances between pixels say little about what an image shows. They find copies of training images,
    and need no network.
    """

    type: Literal["pixels"] = "pixels"
    reads = frozenset({"images"})
    size: int | None = Field(
        default=None,
        ge=1,
        description="Height and width to which images are shrunk by averaging, in pixels. Null: as"
        " they are.",
    )

    @property
    def label(self) -> str:
        """Its name in reports, with the size if images are shrunk."""
        return self.type if self.size is None else f"{self.type}-{self.size}"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse points, and images smaller than ``size``."""
        check_images(self.type, sample_shape, any_channels=True)
        _, height, width = sample_shape
        if self.size is not None and self.size > min(height, width):
            raise ValueError(
                f"images of {height}x{width} pixels cannot be shrunk to {self.size}x{self.size};"
                " choose a smaller 'size'"
            )

    def fingerprint(self) -> dict[str, Any]:
        resize = "none" if self.size is None else f"mean over areas, to {self.size} x {self.size}"
        return {**super().fingerprint(), "resize": resize, "scale": "x / 255"}

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        from torch import nn

        self.check(sample_shape)
        size = self.size

        class PixelRows(nn.Module):
            """Maps images (N, C, H, W) uint8 to their pixels (N, C * size * size) in [0, 1]."""

            def forward(self, samples: Tensor) -> tuple[Tensor, None]:
                images = samples.float() / 255
                if size is not None:
                    images = nn.functional.interpolate(images, size=(size, size), mode="area")
                return images.flatten(1), None

        return PixelRows().eval()


class Identity(FeatureExtractor):
    """Points as they are; sequences and arrays of floats in one row."""

    type: Literal["identity"] = "identity"
    reads = frozenset({"points", "sequences", "arrays"})

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        from torch import nn

        self.check(sample_shape)

        class Rows(nn.Module):
            """Maps samples (N, ...) to their numbers (N, d)."""

            def forward(self, samples: Tensor) -> tuple[Tensor, None]:
                return samples.flatten(1).float(), None

        return Rows().eval()


class RandomConv(FeatureExtractor):
    """A small convolutional network with random weights (d = 256), for images of any kind.

    Random features do not prefer what ImageNet shows, need no download and exist for any number of
    channels. Numbers on them compare models of one data set with each other, on a scale that means
    nothing elsewhere. The paper embeds with a VGG16 of random weights; this network has four
    convolutions (3 x 3, stride 2, leaky ReLU of slope 0.2) and takes the mean over places.
    """

    type: Literal["random-conv"] = "random-conv"
    reads = frozenset({"images"})
    paper = (
        "Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020,"
        " arXiv:2002.09797"
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Seed of the weights; another is another extractor."
    )

    @property
    def label(self) -> str:
        """Its name in reports, with the seed unless it is 0."""
        return f"{self.type}-{self.seed}" if self.seed else self.type

    def check(self, sample_shape: tuple[int, ...]) -> None:
        check_images(self.type, sample_shape, any_channels=True)

    def fingerprint(self) -> dict[str, Any]:
        return {
            **super().fingerprint(),
            "resize": "none",
            "scale": "x / 127.5 - 1",
            "features": "mean over places after four convolutions, 256",
        }

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the network; its weights depend on the seed and the number of channels.

        They are drawn on the CPU from a normal distribution that keeps the variance from layer to
        layer (He et al., 2015, arXiv:1502.01852).
        """
        import torch
        from torch import nn

        self.check(sample_shape)
        channels, rng = sample_shape[0], torch.Generator().manual_seed(self.seed)
        kernels = []
        for width in WIDTHS:
            gain = math.sqrt(2 / (1 + SLOPE**2) / (9 * channels))
            kernels.append(gain * torch.randn(width, channels, 3, 3, generator=rng))
            channels = width

        class RandomConvNetwork(nn.Module):
            """Maps images (N, C, H, W) uint8 to features (N, 256)."""

            def __init__(self) -> None:
                super().__init__()
                self.kernels = nn.ParameterList(kernels)

            def forward(self, samples: Tensor) -> tuple[Tensor, None]:
                x = samples.float() / 127.5 - 1
                for kernel in self.kernels:
                    x = nn.functional.conv2d(x, kernel, stride=2, padding=1)
                    x = nn.functional.leaky_relu(x, SLOPE)
                return x.mean((2, 3)), None

        return RandomConvNetwork().eval().requires_grad_(False)
