"""The digit classifier as a feature extractor, for one digit and for three."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganzoo.components import FeatureExtractor
from ganzoo_digits import weights

if TYPE_CHECKING:
    from torch import nn

    from ganzoo_digits.networks import LeNet


class _LeNetFeatures(FeatureExtractor):
    """What both extractors share: the weights, and how pixels are read."""

    classifies: ClassVar[bool] = True
    paper: ClassVar[str | None] = (
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998"
    )

    @abstractmethod
    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all samples but those of one shape."""

    def fingerprint(self) -> dict[str, Any]:
        """Return all that features depend on; the weights are read to be sure of them."""
        weights.read()
        return {
            **super().fingerprint(),
            "input": "pixels / 255, not resized",
            "weights_sha256": weights.SHA256,
        }

    def _classifier(self) -> LeNet:
        """Build the classifier with its weights, on the CPU, in evaluation mode."""
        from safetensors.torch import load

        from ganzoo_digits.networks import LeNet

        classifier = LeNet()
        classifier.load_state_dict(load(weights.read()))
        return classifier.requires_grad_(False).eval()


class LeNetMnist(_LeNetFeatures):
    """A small classifier of handwritten digits, trained on 4,000 of them (99.2 % right on 1,000 others).

    It reads grey images of 28 by 28 pixels, bright on dark, as MNIST has them. Features are the 84
    activations of its last hidden layer, logits those of the ten digits. The weights come with the
    package.
    """

    type: Literal["lenet-mnist"] = "lenet-mnist"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but grey images of 28 by 28."""
        if sample_shape != (1, 28, 28):
            stacked = "; for three digits in three channels choose 'lenet-mnist-stacked'"
            raise ValueError(
                f"extractor {self.type!r} reads grey images of 28x28 pixels, (1, 28, 28), not"
                f" {sample_shape}{stacked if sample_shape == (3, 28, 28) else ''}"
            )

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build it: ``(N, 1, 28, 28)`` uint8 to features (N, 84) and logits (N, 10)."""
        self.check(sample_shape)
        return self._classifier()


class StackedLeNetMnist(_LeNetFeatures):
    """The classifier of ``lenet-mnist`` on each of three channels, for Stacked-MNIST.

    Features are those of the three digits in a row (252). Logits are the logarithms of the
    probabilities of all 1,000 triples, the digits taken as independent; class 407 has a 4 in the
    first channel, a 0 in the second and a 7 in the third.
    """

    type: Literal["lenet-mnist-stacked"] = "lenet-mnist-stacked"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but images of three channels, 28 by 28."""
        if sample_shape != (3, 28, 28):
            single = "; for one digit choose 'lenet-mnist'"
            raise ValueError(
                f"extractor {self.type!r} reads three channels of 28x28 pixels, (3, 28, 28), not"
                f" {sample_shape}{single if sample_shape == (1, 28, 28) else ''}"
            )

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build it: ``(N, 3, 28, 28)`` uint8 to features (N, 252) and logits (N, 1000)."""
        from ganzoo_digits.networks import StackedLeNet

        self.check(sample_shape)
        return StackedLeNet(self._classifier()).eval()
