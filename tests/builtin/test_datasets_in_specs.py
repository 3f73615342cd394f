"""The core's data sets as parts of a spec: what is refused, with which words, and without torch."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter

from ganzoo.builtin.datasets import Arrays, Folder, Paired, Torchvision, Unpaired
from ganzoo.components import Dataset
from ganzoo.errors import SpecError
from ganzoo.spec import parse_spec


def refusals(dataset: dict[str, Any]) -> list[str]:
    """Return what a spec with this data set is told of it."""
    with pytest.raises(SpecError) as raised:
        parse_spec({"dataset": dataset})
    return [str(each) for each in raised.value.problems if each.path.startswith("dataset")]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("FashonMNIST", "FashionMNIST"),
        ("mnist", "MNIST"),
        ("fashion-mnist", "FashionMNIST"),
        ("cifar-10", "CIFAR10"),
        ("celebA", "CelebA"),
    ],
)
def test_a_name_that_is_nearly_right_is_put_right(name: str, near: str) -> None:
    (refusal,) = refusals({"type": "torchvision", "name": name})
    assert refusal.startswith(
        f"dataset.name: no set of torchvision is known as {name!r}; did you mean {near!r}? (known: "
    )


@pytest.mark.parametrize(
    ("dataset", "refusal"),
    [
        ({"type": "torchvision"}, "dataset.name: this field is required"),
        (
            {"type": "torchvision", "name": "qqqq"},
            "dataset.name: no set of torchvision is known as 'qqqq' (known: MNIST,",
        ),
        (
            {"type": "torchvision", "name": "MNIST", "kind": "letters"},
            "dataset: only EMNIST has a 'kind'; leave it out",
        ),
        ({"type": "folder"}, "dataset.path: this field is required"),
        ({"type": "folder", "path": ""}, "dataset.path: string should have at least 1 character"),
        ({"type": "folder", "path": "x", "size": 0}, "dataset.size: must be a positive whole"),
        (
            {"type": "folder", "path": "x", "size": [4, 5, 6]},
            "dataset.size: must be a positive whole number, or [height, width]",
        ),
        (
            {"type": "folder", "path": "x", "size": "4"},
            "dataset.size: must be a positive whole number, or [height, width]",
        ),
        (
            {"type": "paired", "source": "x"},
            "dataset: give 'source' and 'target', or 'path' and 'side_by_side'",
        ),
        ({"type": "unpaired", "source": "x"}, "dataset.target: this field is required"),
        (
            {"type": "folder", "path": "x", "mode": "gray"},
            "dataset.mode: input should be 'rgb' or 'grey', not \"gray\"",
        ),
        (
            {"type": "folder", "path": "x", "sise": 3},
            "dataset.sise: unknown key; did you mean 'size'?",
        ),
        (
            {"type": "arrays", "path": "x", "layout": "hwc"},
            "dataset.layout: input should be 'auto'",
        ),
    ],
)
def test_mistakes_are_named_with_their_path(dataset: dict[str, Any], refusal: str) -> None:
    (told,) = refusals(dataset)
    assert told.startswith(refusal)


@pytest.mark.parametrize(
    "dataset",
    [
        Arrays(path="x.npz", layout="nhwc"),
        Folder(path="x", size=32, mode="grey", horizontal_flip=True),
        Torchvision(name="EMNIST", kind="letters", split="test", download=False),
        Torchvision(name="CelebA", size=128),
        Folder(path="x", size=(32, 48)),
        Arrays(path="x.npz", paired=False),
        Paired(source="x", target="y", source_mode="grey"),
        Paired(path="x", side_by_side="right"),
        Unpaired(source="x", target="y", size=(4, 6)),
    ],
    ids=str,
)
def test_what_is_written_out_loads_again(dataset: Dataset) -> None:
    adapter = TypeAdapter(Dataset)
    assert adapter.validate_python(adapter.dump_python(dataset)) == dataset


def test_torch_is_not_imported_to_describe_any_set() -> None:
    code = """
import sys
from ganzoo import builtin
from ganzoo.builtin.datasets import Torchvision
from ganzoo.data.torchvision_table import EMNIST_KINDS, SETS

list(builtin.ganzoo_components())
for name in SETS:
    info = Torchvision(name=name).info()
    assert len(info.sample_shape) == 3, name
    assert "train" in info.splits, name
for kind in EMNIST_KINDS:
    Torchvision(name="EMNIST", kind=kind).info()
loaded = {"torch", "torchvision", "numpy", "PIL"} & sys.modules.keys()
sys.exit(f"imported: {loaded}" if loaded else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
