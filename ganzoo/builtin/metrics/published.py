"""Metrics whose published name stands for one extractor."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ganzoo.builtin.extractors.inception import Inception
from ganzoo.components import FeatureExtractor, Metric


class OfInception(Metric):
    """Base of metrics that are published for Inception with its original weights only."""

    named_after_extractor: ClassVar[bool] = False
    general: ClassVar[str]
    """The same metric for any extractor."""

    extractor: FeatureExtractor | None = Field(
        default=None,
        description="What gives its features: Inception, with the weights and the resizing it was"
        " published with. Null: that of the evaluation where it is this one, else Inception.",
    )

    def extractor_or(self, default: FeatureExtractor) -> FeatureExtractor:
        """Return its own extractor, or that of the evaluation where it is Inception, or Inception."""
        if self.extractor is not None:
            return self.extractor
        return default if isinstance(default, Inception) else Inception()

    def check(self, extractor: FeatureExtractor) -> None:
        """Refuse every extractor but the published one."""
        super().check(extractor)
        if not (isinstance(extractor, Inception) and extractor.published):
            raise ValueError(
                f"metric {self.type!r} is defined for extractor 'inception' as it was published, not"
                f" for {extractor.label!r}; metric {self.general!r} takes any extractor and says which"
            )
