"""Data sets, and what is known of one before it is read."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, TypeAdapter

from ganzoo.components.base import Component
from ganzoo.components.samples import Condition, SampleSpace

if TYPE_CHECKING:
    from ganzoo.data.split import Split


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read.

    Attributes:
        samples: what its samples are.
        condition: what is known about each sample besides, or None.
        source: what samples are translated from (image-to-image data sets), or None.
        paired: whether source i belongs to sample i; meaningless without sources.
        splits: names of the splits.
    """

    samples: SampleSpace
    condition: Condition | None = None
    source: SampleSpace | None = None
    paired: bool = True
    splits: tuple[str, ...] = ("train",)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.samples.shape

    @property
    def classes(self) -> Condition | None:
        """The condition where it is one of several classes, else None."""
        condition = self.condition
        return condition if condition is not None and condition.kind == "classes" else None

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON holds it."""
        data: dict[str, Any] = TypeAdapter(DatasetInfo).dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DatasetInfo:
        """Read a description, of this version or of ganzoo 0.1.

        Raises:
            ValueError: it is not a description of a data set.
        """
        if "sample_shape" in data:  # ganzoo 0.1 had 8-bit images, points and classes only
            shape, count = tuple(data["sample_shape"]), data.get("num_classes")
            images = len(shape) == 3
            data = {
                "samples": dict(zip(("channels", "height", "width"), shape, strict=True))
                | {"kind": "images"}
                if images
                else {"size": shape[0], "kind": "points"},
                "condition": count
                and {"kind": "classes", "size": count, "names": data.get("class_names")},
                "splits": data["splits"],
            }
        return TypeAdapter(DatasetInfo).validate_python(data)


@dataclass(frozen=True)
class Mixture:
    """A mixture of equally likely, equally wide round Gaussians that points are drawn from.

    Attributes:
        centers: a point (dimensions,) for each mode.
        std: standard deviation of each, along every axis.
    """

    centers: tuple[tuple[float, ...], ...]
    std: float


class Dataset(Component):
    """A set of samples, with or without conditions and with or without sources to translate from."""

    family: ClassVar[str] = "dataset"

    default_metrics: ClassVar[tuple[str, ...]] = ()
    """Names of the metrics that suit its samples best; empty where those of any samples do."""

    split: str = Field(default="train", description="The split to train on.")
    limit: int | None = Field(
        default=None,
        ge=1,
        description="Samples of the split to train on, drawn once and the same in every run: as many of"
        " each class as of the others, where they are enough. Null: all.",
    )
    horizontal_flip: bool = Field(
        default=False,
        description="Whether each image is mirrored with probability one half; an image and the"
        " source it is paired with are mirrored together.",
    )

    @abstractmethod
    def info(self) -> DatasetInfo:
        """Describe the samples, without torch and without reading all of them.

        Raises:
            ganzoo.errors.DataError: files it needs are missing or unreadable.
        """

    def mixture(self) -> Mixture | None:
        """Return the distribution of the data, where it is a known mixture of points.

        Metrics of mode coverage use it.
        """
        return None

    def licence(self) -> str | None:
        """Return under which licence the samples are and whose they are, for the card of a run."""
        return None

    def with_absolute_paths(self) -> Self:
        """Return the same data set with absolute paths.

        Runs keep this form, so that one can be resumed from elsewhere. Members with paths override it.
        """
        return self

    @abstractmethod
    def build(self, split: str) -> Split:
        """Read one split.

        Raises:
            ganzoo.errors.DataError: files are missing, empty or unreadable; the message names them.
        """

    def build_training(self) -> Split:
        """Read what is trained on: the split of that name, or as many of its samples as ``limit`` says.

        Raises:
            ganzoo.errors.DataError: as of ``build``; or it does not have that many samples.
        """
        split = self.build(self.split)
        return split if self.limit is None else split.drawn(self.limit)
