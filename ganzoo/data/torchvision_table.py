"""A table of torchvision's data sets, which does not import torchvision.

The shape of samples and the number of classes must be known before a run is built, in commands that
never import torch. A test compares this table with torchvision itself.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ganzoo.components import Condition


@dataclass(frozen=True)
class TorchvisionSet:
    """One of torchvision's data sets."""

    class_name: str  # in torchvision.datasets
    folder: str  # of its files, below the root
    channels: int  # 1 or 3
    side: int | None  # height and width in pixels, or None where images vary in size
    splits: Mapping[str, Mapping[str, Any]]  # with the class's arguments that choose each
    classes: tuple[str, ...] | int | None  # names, or their number; None without labels
    unlabelled: frozenset[str] = frozenset()  # splits whose samples have no labels
    axes: Literal["nhw", "nwh", "nhwc", "nchw"] | None = None  # of ``data``; None: opens images
    labels: str = "targets"  # its attribute with the labels
    first_label: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)  # besides those of the split

    @property
    def condition(self) -> Condition | None:
        """The classes, or None where there are no labels."""
        if self.classes is None or isinstance(self.classes, int):
            return None if self.classes is None else Condition("classes", self.classes)
        return Condition("classes", len(self.classes), self.classes)


_TRAIN_OR_TEST = {"train": {"train": True}, "test": {"train": False}}


def _named(argument: str, *splits: str) -> dict[str, dict[str, str]]:
    return {split: {argument: split} for split in splits}


def _mnist_like(class_name: str, classes: Iterable[str], **options: Any) -> TorchvisionSet:
    facts = {"splits": _TRAIN_OR_TEST, "classes": tuple(classes), "axes": "nhw", **options}
    return TorchvisionSet(class_name, f"{class_name}/raw", 1, 28, **facts)


def _emnist(kind: str, classes: str, **options: Any) -> TorchvisionSet:
    # Its files hold each image transposed.
    return _mnist_like("EMNIST", classes, axes="nwh", arguments={"split": kind}, **options)


_MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"

EMNIST_KINDS: Mapping[str, TorchvisionSet] = {
    "balanced": _emnist("balanced", _MERGED),
    "byclass": _emnist("byclass", string.digits + string.ascii_uppercase + string.ascii_lowercase),
    "bymerge": _emnist("bymerge", _MERGED),
    "digits": _emnist("digits", string.digits),
    "letters": _emnist("letters", string.ascii_lowercase, first_label=1),
    "mnist": _emnist("mnist", string.digits),
}
"""The six kinds of EMNIST."""

_GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

_CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
)  # fmt: skip

_STL10 = (
    "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
)  # fmt: skip

_PETS = (
    "Abyssinian", "American Bulldog", "American Pit Bull Terrier", "Basset Hound", "Beagle",
    "Bengal", "Birman", "Bombay", "Boxer", "British Shorthair", "Chihuahua", "Egyptian Mau",
    "English Cocker Spaniel", "English Setter", "German Shorthaired", "Great Pyrenees", "Havanese",
    "Japanese Chin", "Keeshond", "Leonberger", "Maine Coon", "Miniature Pinscher", "Newfoundland",
    "Persian", "Pomeranian", "Pug", "Ragdoll", "Russian Blue", "Saint Bernard", "Samoyed",
    "Scottish Terrier", "Shiba Inu", "Siamese", "Sphynx", "Staffordshire Bull Terrier",
    "Wheaten Terrier", "Yorkshire Terrier",
)  # fmt: skip

# fmt: off
SETS: Mapping[str, TorchvisionSet] = {
    "MNIST": _mnist_like("MNIST", string.digits),
    "FashionMNIST": _mnist_like("FashionMNIST", _GARMENTS),
    "KMNIST": _mnist_like("KMNIST", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "QMNIST": _mnist_like(
        "QMNIST", string.digits,
        splits=_named("what", "train", "test", "test10k", "test50k", "nist"),
    ),
    "EMNIST": EMNIST_KINDS["balanced"],
    "CIFAR10": TorchvisionSet(
        "CIFAR10", "cifar-10-batches-py", 3, 32, _TRAIN_OR_TEST, _CIFAR10, axes="nhwc",
    ),
    "CIFAR100": TorchvisionSet(
        "CIFAR100", "cifar-100-python", 3, 32, _TRAIN_OR_TEST, _CIFAR100, axes="nhwc",
    ),
    "SVHN": TorchvisionSet(
        "SVHN", "", 3, 32, _named("split", "train", "test", "extra"), tuple(string.digits),
        axes="nchw", labels="labels",
    ),
    "STL10": TorchvisionSet(
        "STL10", "stl10_binary", 3, 96,
        _named("split", "train", "test", "unlabeled", "train+unlabeled"), _STL10,
        unlabelled=frozenset(("unlabeled", "train+unlabeled")), axes="nchw", labels="labels",
    ),
    "CelebA": TorchvisionSet(
        "CelebA", "celeba", 3, None, _named("split", "train", "valid", "test", "all"), None,
        arguments={"target_type": []},
    ),
    # For these two, nothing public gives labels without decoding images.
    "Flowers102": TorchvisionSet(
        "Flowers102", "flowers-102", 3, None, _named("split", "train", "val", "test"), 102,
        labels="_labels",
    ),
    "OxfordIIITPet": TorchvisionSet(
        "OxfordIIITPet", "oxford-iiit-pet", 3, None,
        {"train": {"split": "trainval"}, "test": {"split": "test"}}, _PETS, labels="_labels",
    ),
}
"""The sets by the name that specs use."""
# fmt: on
