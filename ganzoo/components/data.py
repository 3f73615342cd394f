"""Data sets, and what is known of one before it is read."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field

from ganzoo.components.base import Component

if TYPE_CHECKING:
    from ganzoo.data.store import ImageStore


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is read.

    Attributes:
        sample_shape: shape of one sample: (channels, height, width), or (dimensions,) for points.
        num_classes: number of classes, or None where samples have no labels.
        class_names: a name for each class, or None.
        splits: names of the splits there are.
    """

    sample_shape: tuple[int, ...]
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    splits: tuple[str, ...] = ("train",)


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
    """A set of samples, with or without labels.

    Images are stored as uint8, channels first, and trained on in [-1, 1]; points as float32, as is.
    """

    family: ClassVar[str] = "dataset"

    split: str = Field(default="train", description="The split to train on.")
    horizontal_flip: bool = Field(
        default=False, description="Whether each image is mirrored with probability one half."
    )

    @abstractmethod
    def info(self) -> DatasetInfo:
        """Say what the samples are, without torch and without reading all of them.

        Raises:
            ganzoo.errors.DataError: files it needs are missing or unreadable.
        """

    def mixture(self) -> Mixture | None:
        """Return the distribution of the data, where it is a known mixture of points.

        Metrics of mode coverage ask for it.
        """
        return None

    def with_absolute_paths(self) -> Self:
        """Return the same data set with paths that hold in any working directory.

        Runs keep this form, so that one can be resumed from elsewhere. Members with paths override it.
        """
        return self

    @abstractmethod
    def build(self, split: str) -> ImageStore:
        """Read one split.

        Raises:
            ganzoo.errors.DataError: files are missing, empty or unreadable; the message names them.
        """
