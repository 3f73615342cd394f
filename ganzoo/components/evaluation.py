"""How samples are judged: what turns them into features, and what is measured on these."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from ganzoo.components.base import Component
from ganzoo.components.data import Mixture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    Floats = npt.NDArray[np.floating[Any]]
    Labels = npt.NDArray[np.int64]


class FeatureExtractor(Component):
    """A network, or a fixed rule, that turns samples into features.

    What is built maps samples as they are stored, images ``(N, C, H, W)`` uint8 or points ``(N, D)``
    float32, to a pair: features ``(N, d)``, and class logits ``(N, K)`` where the extractor is a
    classifier, else None. Whatever resizing or scaling it needs is its own, and is stated in its
    ``fingerprint``. No sample may influence the features of another.
    """

    family: ClassVar[str] = "extractor"

    version: ClassVar[int] = 1
    """Raised with every change to the features; numbers of different versions are not compared."""

    classifies: ClassVar[bool] = False
    """Whether what is built gives class logits."""

    chunk: ClassVar[int] = 512
    """Samples that go through at a time; bounds the memory that extraction takes."""

    @property
    def label(self) -> str:
        """What numbers are marked with: ``fd@lenet-mnist``. Say in it which weights are in use."""
        return self.type

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse samples this extractor cannot read, before anything is built.

        Args:
            sample_shape: (channels, height, width), or (dimensions,) for points.

        Raises:
            ValueError: the shape cannot be served; the message says which can.
        """

    def anchored(self) -> Self:
        """Return the same extractor with paths that hold in any working directory.

        Runs keep this form. Members with paths override it.
        """
        return self

    def fingerprint(self) -> dict[str, Any]:
        """Return all that features depend on besides the samples, as JSON holds it.

        Members with weights add ``weights_sha256``; those that resize or scale say how.

        Raises:
            ganzoo.errors.DataError: a weights file is missing, or is not the one expected.
        """
        parameters = self.model_dump(mode="json", exclude={"type"})
        return {"type": self.type, "version": self.version, **parameters}

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the extractor on the CPU, in evaluation mode.

        Args:
            sample_shape: shape of one sample.

        Raises:
            ganzoo.errors.DataError: a weights file is missing, or is not the one expected.
        """


@dataclass(frozen=True)
class SampleFeatures:
    """What an extractor says of a set of samples.

    Attributes:
        features: (N, d) float64.
        logits: (N, K) float32 where the extractor is a classifier, else None.
        labels: (N,) int64, the classes of real samples, or those a conditional generator was asked
            for; None where there are none.
    """

    features: Floats
    logits: Floats | None = None
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Evidence:
    """What a metric may look at.

    Attributes:
        generated: the samples that are judged.
        reference: real samples they are compared with.
        training: real samples of the split that was trained on, where the metric
            ``needs_training_samples``, else None.
        mixture: the distribution of the data, where it is a known mixture of points, else None.
        seed: for metrics that draw subsets; from it alone their randomness comes.
    """

    generated: SampleFeatures
    reference: SampleFeatures
    training: SampleFeatures | None = None
    mixture: Mixture | None = None
    seed: int = 0


@dataclass(frozen=True)
class Measurement:
    """What a metric found.

    Attributes:
        values: a finite number for each quantity of the metric, by name.
        details: what else a reader may want to know, as JSON holds it.
    """

    values: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)


Measure = Callable[[Evidence], Measurement]


@dataclass(frozen=True)
class Quantity:
    """A number that a metric gives.

    Attributes:
        name: how reports name it, without the extractor's label.
        better: which values are better, or None where neither end is.
        description: what it is, with its range, in one line.
    """

    name: str
    better: Literal["lower", "higher"] | None
    description: str


class Metric(Component):
    """Something measured on features of generated and of real samples.

    What is built maps ``Evidence`` to a ``Measurement``. It raises ``ganzoo.errors.NotMeasurable``, with
    the reason, where these samples give no number: never a NaN.
    """

    family: ClassVar[str] = "metric"

    quantities: ClassVar[tuple[Quantity, ...]]
    """What it gives, in the order of reports."""

    version: ClassVar[int] = 1
    """Raised with every change to the numbers; those of different versions are not compared."""

    needs_logits: ClassVar[bool] = False
    """Whether the extractor must be a classifier."""

    needs_training_samples: ClassVar[bool] = False
    """Whether it looks at the split that was trained on."""

    named_after_extractor: ClassVar[bool] = True
    """Whether quantities are marked with the extractor's label, as ``fd@lenet-mnist``."""

    samples_per_feature: ClassVar[int] = 0
    """Samples for each feature below which the value is so biased that reports warn of it."""

    extractor: FeatureExtractor | None = Field(
        default=None, description="What gives its features. Null: the extractor of the evaluation."
    )

    def extractor_or(self, default: FeatureExtractor) -> FeatureExtractor:
        """Return the extractor that is used: its own, or else that of the evaluation."""
        return self.extractor or default

    def check(self, extractor: FeatureExtractor) -> None:
        """Refuse extractors this metric is not defined for.

        Args:
            extractor: the one that will be used.

        Raises:
            ValueError: the message says which extractor would be right.
        """
        if self.needs_logits and not extractor.classifies:
            raise ValueError(
                f"metric {self.type!r} needs class logits, and extractor {extractor.type!r} gives none"
            )

    def names(self, extractor: FeatureExtractor) -> dict[str, str]:
        """Return how reports name each quantity, by its name."""
        mark = f"@{extractor.label}" if self.named_after_extractor else ""
        return {quantity.name: f"{quantity.name}{mark}" for quantity in self.quantities}

    @abstractmethod
    def build(self) -> Measure:
        """Build the function that measures."""
