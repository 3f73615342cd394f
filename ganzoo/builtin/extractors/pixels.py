"""Samples as their own features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ganzoo.builtin.extractors.shapes import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import nn


class Pixels(FeatureExtractor):
    """The pixels of an image, from 0 to 1, in one row.

    Distances between pixels say little of what is in an image. They find copies of training images,
    and need no network.
    """

    type: Literal["pixels"] = "pixels"
    size: int | None = Field(
        default=None,
        ge=1,
        description="Height and width to which images are shrunk by averaging, in pixels. Null: as"
        " they are.",
    )

    @property
    def label(self) -> str:
        """What numbers are marked with: the size too, where images are shrunk."""
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
        from ganzoo.builtin.extractors.rules import PixelRows

        self.check(sample_shape)
        return PixelRows(self.size)


class Identity(FeatureExtractor):
    """Points as they are."""

    type: Literal["identity"] = "identity"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse images."""
        if len(sample_shape) != 1:
            raise ValueError(
                f"extractor 'identity' reads points, not images {sample_shape}; choose 'pixels' for"
                " these"
            )

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build a module without weights."""
        from ganzoo.builtin.extractors.rules import Points

        self.check(sample_shape)
        return Points()
