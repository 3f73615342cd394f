"""A table of torchvision's data sets, which does not import torchvision.

The shape of samples and the number of classes must be known before a run is built, in commands that
never import torch. A test compares this table with torchvision itself.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ganzoo.components import Condition


@dataclass(frozen=True)
class TorchvisionSet:
    """One of torchvision's data sets.

    Attributes:
        class_name: its class in ``torchvision.datasets``.
        folder: where its files are, below the root.
        channels: 1 or 3.
        side: height and width in pixels, or None where images vary in size.
        splits: for each split, the arguments of the class that choose it.
        classes: names of the classes, or their number, or None where there are no labels.
        unlabelled: splits whose samples have no labels.
        axes: axes of its array ``data``, or None where it opens images one by one.
        labels: its attribute with the labels.
        first_label: label of the first class.
        arguments: arguments of the class besides those of the split.
    """

    class_name: str
    folder: str
    channels: int
    side: int | None
    splits: Mapping[str, Mapping[str, Any]]
    classes: tuple[str, ...] | int | None
    unlabelled: frozenset[str] = frozenset()
    axes: Literal["nhw", "nwh", "nhwc", "nchw"] | None = None
    labels: str = "targets"
    first_label: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def condition(self) -> Condition | None:
        """The classes, or None where there are no labels."""
        if self.classes is None:
            return None
        if isinstance(self.classes, int):
            return Condition("classes", self.classes)
        return Condition("classes", len(self.classes), self.classes)


_TRAIN_OR_TEST = {"train": {"train": True}, "test": {"train": False}}


def _named(argument: str, *splits: str) -> dict[str, dict[str, str]]:
    return {split: {argument: split} for split in splits}


def _mnist_like(class_name: str, classes: tuple[str, ...]) -> TorchvisionSet:
    return TorchvisionSet(
        class_name, f"{class_name}/raw", 1, 28, _TRAIN_OR_TEST, classes, axes="nhw"
    )


def _emnist(kind: str, classes: str, first_label: int = 0) -> TorchvisionSet:
    return TorchvisionSet(
        "EMNIST",
        "EMNIST/raw",
        1,
        28,
        _TRAIN_OR_TEST,
        tuple(classes),
        axes="nwh",  # its files hold each image transposed
        first_label=first_label,
        arguments={"split": kind},
    )


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

SETS: Mapping[str, TorchvisionSet] = {
    "MNIST": _mnist_like("MNIST", tuple(string.digits)),
    "FashionMNIST": _mnist_like("FashionMNIST", _GARMENTS),
    "KMNIST": _mnist_like("KMNIST", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "QMNIST": TorchvisionSet(
        "QMNIST",
        "QMNIST/raw",
        1,
        28,
        _named("what", "train", "test", "test10k", "test50k", "nist"),
        tuple(string.digits),
        axes="nhw",
    ),
    "EMNIST": EMNIST_KINDS["balanced"],
    "CIFAR10": TorchvisionSet(
        "CIFAR10", "cifar-10-batches-py", 3, 32, _TRAIN_OR_TEST, _CIFAR10, axes="nhwc"
    ),
    "CIFAR100": TorchvisionSet(
        "CIFAR100", "cifar-100-python", 3, 32, _TRAIN_OR_TEST, _CIFAR100, axes="nhwc"
    ),
    "SVHN": TorchvisionSet(
        "SVHN",
        "",
        3,
        32,
        _named("split", "train", "test", "extra"),
        tuple(string.digits),
        axes="nchw",
        labels="labels",
    ),
    "STL10": TorchvisionSet(
        "STL10",
        "stl10_binary",
        3,
        96,
        _named("split", "train", "test", "unlabeled", "train+unlabeled"),
        _STL10,
        unlabelled=frozenset(("unlabeled", "train+unlabeled")),
        axes="nchw",
        labels="labels",
    ),
    "CelebA": TorchvisionSet(
        "CelebA",
        "celeba",
        3,
        None,
        _named("split", "train", "valid", "test", "all"),
        None,
        arguments={"target_type": []},
    ),
    "Flowers102": TorchvisionSet(
        "Flowers102",
        "flowers-102",
        3,
        None,
        _named("split", "train", "val", "test"),
        102,
        labels="_labels",  # nothing public gives labels without decoding images
    ),
    "OxfordIIITPet": TorchvisionSet(
        "OxfordIIITPet",
        "oxford-iiit-pet",
        3,
        None,
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        _PETS,
        labels="_labels",
    ),
}
"""The sets by the name that specs use."""
