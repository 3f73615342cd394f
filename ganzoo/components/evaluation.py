"""How samples are evaluated: extractors turn them into features, metrics compare features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from ganzoo.components.base import Component
from ganzoo.components.data import Mixture
from ganzoo.components.samples import SampleSpace
from ganzoo.errors import NotMeasurable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    Floats = npt.NDArray[np.floating[Any]]
    Labels = npt.NDArray[np.int64]


LARGEST = 1e60
"""Largest magnitude of a feature that is computed with; its fourth power is far from overflow."""


class FeatureExtractor(Component):
    """A network, or a fixed rule, that turns samples into features.

    The module it builds maps samples, images ``(N, C, H, W)`` uint8 (16-bit ones are rounded to 8 bits)
    or float32 ``(N, *sample_shape)``, to a pair: features ``(N, d)``, and class logits ``(N, K)`` if the
    extractor is a classifier, else None. It does its own resizing and scaling and states them in its
    ``fingerprint``. No sample may influence the features of another.
    """

    family: ClassVar[str] = "extractor"

    version: ClassVar[int] = 1
    """Increased with every change to the features; numbers of different versions are not compared."""

    classifies: ClassVar[bool] = False
    """Whether the module gives class logits."""

    reads: ClassVar[frozenset[str]] = frozenset({"images", "points"})
    """Kinds of samples it may read, of images, points, sequences and arrays; ``check`` sees shapes."""

    chunk: ClassVar[int] = 512
    """Samples per forward pass; bounds the memory that extraction takes."""

    @property
    def label(self) -> str:
        """Its name in reports, as in ``fd@lenet-mnist``; it tells which weights are used."""
        return self.type

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Check, before anything is built, that this extractor can read samples of a shape.

        It is (channels, height, width), or (dimensions,) for points.

        Raises:
            ValueError: it cannot; the message says which samples it can read.
        """

    def check_space(self, space: SampleSpace) -> None:
        """Check that this extractor can read samples of a kind and a shape, as ``check`` does."""
        self.check(space.shape)
        if space.kind not in self.reads:
            known = " and ".join(sorted(self.reads))
            raise ValueError(f"extractor {self.type!r} reads {known}, not {space.kind}")

    def with_absolute_paths(self) -> Self:
        """Return the same extractor with absolute paths; extractors with paths override it."""
        return self

    def fingerprint(self) -> dict[str, Any]:
        """Return everything that features depend on besides the samples, as plain JSON data.

        Extractors with weights add ``weights_sha256``; those that resize or scale state how.

        Raises:
            ganzoo.errors.DataError: a file of weights is missing, or is not the expected one.
        """
        parameters = self.model_dump(mode="json", exclude={"type"})
        return {"type": self.type, "version": self.version, **parameters}

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the extractor on the CPU, in evaluation mode, for samples of a shape.

        Raises:
            ganzoo.errors.DataError: a file of weights is missing, or is not the expected one.
        """


@dataclass(frozen=True)
class Features:
    """What an extractor computes from a set of samples.

    Attributes:
        features: (N, d) float64.
        logits: (N, K) float32 if the extractor is a classifier, else None.
        labels: (N,) int64, the classes of real samples or those a conditional generator was asked for;
            None if there are none.
    """

    features: Floats
    logits: Floats | None = None
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.features)

    def usable_features(self, which: str, *, least: int) -> npt.NDArray[np.float64]:
        """Return the features in float64; ``which`` names the samples in messages: ``generated``.

        Raises:
            NotMeasurable: there are fewer than ``least``, or features are not finite.
        """
        self._refuse_few(which, least)
        features: npt.NDArray[np.float64] = self.features.astype("float64", copy=False)
        usable = abs(features) <= LARGEST  # False for NaN too
        _refuse_unusable(usable, "features", which, f" finite, or beyond {LARGEST:g}")
        return features

    def usable_logits(self, which: str, *, least: int) -> Floats:
        """Return the class logits in their own precision, as ``usable_features`` does features.

        Raises:
            NotMeasurable: the extractor is not a classifier, there are fewer samples than ``least``, or
                logits are not finite.
        """
        import numpy as np

        if self.logits is None:
            raise NotMeasurable("the extractor gives no class logits")
        self._refuse_few(which, least)
        _refuse_unusable(np.isfinite(self.logits), "logits", which, " finite")
        return self.logits

    def _refuse_few(self, which: str, least: int) -> None:
        if len(self) < least:
            raise NotMeasurable(f"it needs {least} {which} samples or more, and has {len(self)}")


@dataclass(frozen=True)
class MetricInputs:
    """What a metric may look at.

    Attributes:
        generated: the samples that are evaluated.
        reference: the real samples they are compared with.
        training: real samples of the training split if the metric ``needs_training_samples``, else None.
        mixture: the distribution of the data if it is a known mixture of points, else None.
        seed: the only source of randomness, for metrics that draw subsets.
    """

    generated: Features
    reference: Features
    training: Features | None = None
    mixture: Mixture | None = None
    seed: int = 0


@dataclass(frozen=True)
class MetricResult:
    """What a metric measured.

    Attributes:
        values: a finite number for each quantity of the metric, by name.
        details: anything else a reader may want to know, as plain JSON data.
    """

    values: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)


def _refuse_unusable(usable: npt.NDArray[np.bool_], what: str, which: str, rest: str) -> None:
    bad = len(usable) - int(usable.all(axis=1).sum())
    if bad:
        raise NotMeasurable(f"{what} of {bad} of {len(usable)} {which} samples are not{rest}")


MetricFn = Callable[[MetricInputs], MetricResult]


Aspect = Literal["variety", "copies", "classes"]
"""What of the samples a quantity tells: how much of the data's variety they have, whether they are
copies of training samples, whether their classes are as they should be."""


@dataclass(frozen=True)
class Quantity:
    """A number that a metric gives.

    Attributes:
        name: its name in reports, without the extractor's label.
        better: which values are better, or None if neither end is.
        description: what it is, with its range and unit, in one line.
        aspect: what of the samples it tells, for verdicts on runs; None for their quality as a whole.
    """

    name: str
    better: Literal["lower", "higher"] | None
    description: str
    aspect: Aspect | None = None


def matches_quantity(text: str, name: str) -> bool:
    """Say whether a text means a reported quantity: ``fd`` and ``fd@pixels`` mean ``fd@pixels``."""
    return text in {name, name.partition("@")[0]}


class Metric(Component):
    """Something measured on features of generated and of real samples.

    The function it builds maps ``MetricInputs`` to a ``MetricResult``. Where samples give no number it
    raises ``ganzoo.errors.NotMeasurable`` with the reason, and never returns NaN.
    """

    family: ClassVar[str] = "metric"

    quantities: ClassVar[tuple[Quantity, ...]]
    """The numbers it gives, in the order of reports."""

    version: ClassVar[int] = 1
    """Increased with every change to the numbers; those of different versions are not compared."""

    needs_logits: ClassVar[bool] = False
    """Whether the extractor must be a classifier."""

    needs_training_samples: ClassVar[bool] = False
    """Whether it looks at the training split."""

    named_after_extractor: ClassVar[bool] = True
    """Whether reports add the extractor's label to its quantities, as in ``fd@lenet-mnist``."""

    samples_per_feature: ClassVar[int] = 0
    """Samples per feature below which reports warn that the value is biased."""

    extractor: FeatureExtractor | None = Field(
        default=None,
        description="Extractor of its features. Null: the extractor of the evaluation.",
    )

    def extractor_or(self, default: FeatureExtractor) -> FeatureExtractor:
        """Return the extractor that it uses: its own, or else the default."""
        return self.extractor or default

    def check(self, extractor: FeatureExtractor) -> None:
        """Check that the metric is defined for the extractor that it will use.

        Raises:
            ValueError: it is not; the message says which extractor would be right.
        """
        if self.needs_logits and not extractor.classifies:
            raise ValueError(
                f"metric {self.type!r} needs class logits, and extractor {extractor.type!r} gives none"
            )

    def names(self, extractor: FeatureExtractor) -> dict[str, str]:
        """Return the name of each quantity in reports, by its own name."""
        suffix = f"@{extractor.label}" if self.named_after_extractor else ""
        return {quantity.name: f"{quantity.name}{suffix}" for quantity in self.quantities}

    @abstractmethod
    def build(self) -> MetricFn:
        """Build the function that measures."""
