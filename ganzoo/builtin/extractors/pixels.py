"""Samples as their own features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.extractors.common import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import Tensor, nn


class Pixels(FeatureExtractor):
    """The pixels of an image, from 0 to 1, in one row.

    Distances between pixels say little about what an image shows. They find copies of training images,
    and need no network.
    """

    type: Literal["pixels"] = "pixels"
    reads: ClassVar[frozenset[str]] = frozenset({"images"})
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
        """Return what the features depend on."""
        resize = "none" if self.size is None else f"mean over areas, to {self.size} x {self.size}"
        return {**super().fingerprint(), "resize": resize, "scale": "x / 255"}

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build a module without weights."""
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
    reads: ClassVar[frozenset[str]] = frozenset({"points", "sequences", "arrays"})

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build a module without weights."""
        from torch import nn

        self.check(sample_shape)

        class Rows(nn.Module):
            """Maps samples (N, ...) to their numbers (N, d)."""

            def forward(self, samples: Tensor) -> tuple[Tensor, None]:
                return samples.flatten(1).float(), None

        return Rows().eval()
