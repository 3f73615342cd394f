"""A network that nobody trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.extractors.shapes import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import nn


class RandomConv(FeatureExtractor):
    """A small convolutional network with random weights (d = 256), for images of any kind.

    Random features do not prefer what ImageNet shows, need no download and exist for any number of
    channels. Numbers on them compare models of one data set with each other; they say nothing on a
    scale that anyone else uses. The paper embeds with a VGG16 of random weights; this is four
    convolutions (3 x 3, stride 2, leaky ReLU of slope 0.2) and the mean over places.
    """

    type: Literal["random-conv"] = "random-conv"
    paper: ClassVar[str | None] = (
        "Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020,"
        " arXiv:2002.09797"
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Seed of the weights; another is another extractor."
    )

    @property
    def label(self) -> str:
        """What numbers are marked with: the seed too, unless it is 0."""
        return f"{self.type}-{self.seed}" if self.seed else self.type

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse points."""
        check_images(self.type, sample_shape, any_channels=True)

    def fingerprint(self) -> dict[str, Any]:
        """Return what the features depend on."""
        return {
            **super().fingerprint(),
            "resize": "none",
            "scale": "x / 127.5 - 1",
            "features": "mean over places after four convolutions, 256",
        }

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the network; its weights follow from the seed and the number of channels."""
        from ganzoo.builtin.extractors.random_conv_network import (
            RandomConvNetwork,
        )

        self.check(sample_shape)
        return RandomConvNetwork(sample_shape[0], self.seed)
