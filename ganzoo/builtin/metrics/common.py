"""What metrics share: checks of their inputs, names of Inception, and the way into torchmetrics."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from ganzoo.builtin.extractors.inception import Inception
from ganzoo.components import (
    FeatureExtractor,
    Features,
    Metric,
    MetricFn,
    MetricInputs,
    MetricResult,
)
from ganzoo.errors import NotMeasurable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    Array = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]

Details = Mapping[str, Any]


class CoreMetric(Metric):
    """A metric that measures by a method."""

    @abstractmethod
    def measure(self, inputs: MetricInputs) -> MetricResult:
        """Measure; raise ``NotMeasurable`` where there is no number."""

    def build(self) -> MetricFn:
        return self.measure


class OfInception(Metric):
    """Base of metrics whose published name implies Inception with its original weights."""

    named_after_extractor = False
    general: ClassVar[str]
    """The same metric for any extractor."""

    extractor: FeatureExtractor | None = Field(
        default=None,
        description="Extractor of its features: Inception, with the weights and the resizing it was"
        " published with. Null: that of the evaluation if it is this one, else Inception.",
    )

    def extractor_or(self, default: FeatureExtractor) -> FeatureExtractor:
        """Return its own extractor, or the default if that is Inception, or Inception."""
        if self.extractor is not None:
            return self.extractor
        return default if isinstance(default, Inception) else Inception()

    def check(self, extractor: FeatureExtractor) -> None:
        """Refuse every extractor but the published one."""
        super().check(extractor)
        if not (isinstance(extractor, Inception) and extractor.published):
            raise ValueError(
                f"metric {self.type!r} is defined for extractor 'inception' as it was published, not"
                f" for {extractor.label!r}; metric {self.general!r} takes any extractor and names it"
            )


def pair_of_features(inputs: MetricInputs, *, least: int) -> tuple[Array, Array]:
    """Return the features of generated samples (N, d) and of reference samples (M, d), checked."""
    generated = inputs.generated.usable_features("generated", least=least)
    return generated, inputs.reference.usable_features("reference", least=least)


def predictions_of(samples: Features, which: str) -> tuple[Counts, int]:
    """Return the predicted class of each sample (N,), and the number of classes K."""
    logits = samples.usable_logits(which, least=1)
    return logits.argmax(axis=1), logits.shape[1]


def finite_result(values: Mapping[str, float], details: Details | None = None) -> MetricResult:
    """Return a result; raise ``NotMeasurable`` where a value is not finite, as after an overflow."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise NotMeasurable(f"features are so large that {name} overflows")
    return MetricResult({name: float(value) for name, value in values.items()}, details or {})


def identity_network(num_features: int) -> nn.Module:
    """Return a network for torchmetrics, which gets features instead of images."""
    from torch import nn

    network = nn.Identity()
    network.num_features = num_features  # type: ignore[assignment] # torchmetrics reads it
    return network
