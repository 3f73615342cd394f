"""Data sets the core reads: arrays, folders of images, and torchvision's sets by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Dataset, DatasetInfo
from ganzoo.data.torchvision_table import EMNIST_KINDS, SETS, TorchvisionSet
from ganzoo.errors import DataError

if TYPE_CHECKING:
    from ganzoo.data.folder import ImageFolder
    from ganzoo.data.store import ImageStore

DEFAULT_SIZE = 64
"""Side of images, in pixels, where the data set has none of its own."""


class Arrays(Dataset):
    """Images or points in a NumPy file, with labels and splits where it is an ``.npz`` file.

    Images are uint8: (N, H, W), (N, H, W, C) or (N, C, H, W). Points are float32 (N, D). In an
    ``.npz`` file they are called ``images``, ``samples`` or ``points``, and their labels, integers
    that count from 0, ``labels``. Where each name follows that of a split (``train_images``,
    ``test_labels``), the file has these splits; otherwise all is of split ``train``. Names of the
    classes may be there as ``class_names``. Pickled objects are refused.
    """

    type: Literal["arrays"] = "arrays"
    path: str = Field(min_length=1, description="The .npy or .npz file.")
    layout: Literal["auto", "nchw", "nhwc"] = Field(
        default="auto",
        description="Order of the axes of images: nchw is (N, channels, height, width). Auto takes"
        " the one axis of the two that has length 1 or 3 for the channels.",
    )

    def with_absolute_paths(self) -> Self:
        """Return the same data set with its whole path."""
        return self.model_copy(update={"path": str(_path(self.path).absolute())})

    def info(self) -> DatasetInfo:
        """Say what the file holds, from headers and labels."""
        from ganzoo.data.arrays import ArrayFile

        return ArrayFile(_path(self.path), self.layout).info()

    def build(self, split: str) -> ImageStore:
        """Read one split; an ``.npy`` file is mapped from disk."""
        from ganzoo.data.arrays import ArrayFile

        return ArrayFile(_path(self.path), self.layout).read(split)


class Folder(Dataset):
    """A folder of images, or a zip file of one.

    Where the images lie in sub-folders, these are the classes, in the order of their names. Where
    all lie in top-level folders called train, val, valid, validation or test, these are the splits;
    otherwise all are of split ``train``. The shorter side of each image is resized to ``size`` and
    the middle is kept; transparent parts become white. The result is cached, and made again when a
    file was added, removed or changed.
    """

    type: Literal["folder"] = "folder"
    path: str = Field(min_length=1, description="The folder, or the zip file.")
    size: int = Field(
        default=DEFAULT_SIZE, ge=1, description="Height and width of the samples, in pixels."
    )
    mode: Literal["rgb", "grey"] = Field(
        default="rgb", description="Whether samples have three channels or one."
    )

    def with_absolute_paths(self) -> Self:
        """Return the same data set with its whole path."""
        return self.model_copy(update={"path": str(_path(self.path).absolute())})

    def info(self) -> DatasetInfo:
        """Say what the samples are, from the names of the files."""
        images = self._find()
        return DatasetInfo(
            sample_shape=(3 if self.mode == "rgb" else 1, self.size, self.size),
            num_classes=None if images.class_names is None else len(images.class_names),
            class_names=images.class_names,
            splits=tuple(images.splits),
        )

    def build(self, split: str) -> ImageStore:
        """Decode one split, or map it from the cache."""
        return self._find().read(split, self.size, self.mode)

    def _find(self) -> ImageFolder:
        from ganzoo.data.folder import find_images

        return find_images(_path(self.path))


class Torchvision(Dataset):
    """A data set that torchvision knows by name, downloaded once.

    Sets of one size are read as arrays. CelebA, Flowers102 and OxfordIIITPet are resized, cropped
    to the middle square and cached. EMNIST, transposed in its files, is turned upright.
    """

    type: Literal["torchvision"] = "torchvision"
    name: str = Field(
        description="Name of the set, such as FashionMNIST.", json_schema_extra={"enum": [*SETS]}
    )
    kind: Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"] | None = Field(
        default=None,
        description="For EMNIST alone: which of its six parts; null is balanced.",
    )
    size: int | None = Field(
        default=None,
        ge=1,
        description="Height and width of the samples, in pixels. Null: as the set has them, or"
        f" {DEFAULT_SIZE} where they vary.",
    )
    root: str | None = Field(
        default=None,
        min_length=1,
        description="Folder that the set's own folder lies in. Null: $GANZOO_DATA, or the user's"
        " data folder.",
    )
    download: bool = Field(default=True, description="Whether missing files may be downloaded.")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name in SETS:
            return name
        plain = {known.lower(): known for known in SETS}
        near = difflib.get_close_matches(name.lower().replace("-", ""), plain, n=1, cutoff=0.5)
        raise PydanticCustomError(
            "component",
            "no set of torchvision is known as {name}{suggestion} (known: {known})",
            {
                "name": repr(name),
                "suggestion": f"; did you mean {plain[near[0]]!r}?" if near else "",
                "known": ", ".join(SETS),
            },
        )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.kind is not None and self.name != "EMNIST":
            raise PydanticCustomError("kind", "only EMNIST has a 'kind'; leave it out")
        return self

    def with_absolute_paths(self) -> Self:
        """Return the same data set with its whole path, where one is given."""
        if self.root is None:
            return self
        return self.model_copy(update={"root": str(_path(self.root).absolute())})

    def info(self) -> DatasetInfo:
        """Say what the samples are, from a table."""
        facts = self._facts
        labelled = self.split not in facts.unlabelled
        return DatasetInfo(
            sample_shape=(facts.channels, self._side, self._side),
            num_classes=facts.num_classes if labelled else None,
            class_names=facts.class_names if labelled else None,
            splits=tuple(facts.splits),
        )

    def build(self, split: str) -> ImageStore:
        """Read one split, downloading the set where it is missing."""
        from ganzoo.data import torchvision_reader

        splits = self._facts.splits
        if split not in splits:
            raise DataError(f"{self.name} has no split {split!r} (there is: {', '.join(splits)})")
        root = torchvision_reader.data_folder() if self.root is None else _path(self.root)
        return torchvision_reader.read(self._facts, split, root, self._side, self.download)

    @property
    def _facts(self) -> TorchvisionSet:
        return SETS[self.name] if self.kind is None else EMNIST_KINDS[self.kind]

    @property
    def _side(self) -> int:
        return self.size or self._facts.side or DEFAULT_SIZE


def _path(text: str) -> Path:
    return Path(text).expanduser()


COMPONENTS: tuple[type[Component], ...] = (Arrays, Folder, Torchvision)
"""The core's own components, registered through the same hooks as everyone's."""
