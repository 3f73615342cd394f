"""Images of three digits, one in each channel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_digits import stacks
from ganzoo_digits.dataset import Mnist5k, StackedMnist
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Condition, Dataset
from ganzoo.data.split import Split
from ganzoo.errors import DataError, SpecError
from ganzoo.spec import parse_spec

SMALL = StackedMnist(count=3000, test_count=300)


def first_of(images: np.ndarray[Any, Any]) -> dict[bytes, int]:
    return {image.tobytes(): index for index, image in enumerate(images)}


@pytest.mark.parametrize(("split", "count"), [("train", 3000), ("test", 300)])
def test_each_channel_is_a_digit_of_the_same_split_and_the_class_spells_them(
    split: str, count: int
) -> None:
    store, digits = SMALL.build(split), Mnist5k().build(split)
    assert SMALL.info().sample_shape == store.samples.shape[1:] == (3, 28, 28)
    assert SMALL.info().condition == Condition("classes", 1000)
    assert len(store) == count
    assert store.classes is not None
    assert digits.classes is not None
    known = first_of(digits.samples)
    for image, label in zip(store.samples, store.classes, strict=True):
        classes = [digits.classes[known[channel.tobytes()]] for channel in image]
        assert f"{label:03}" == "".join(map(str, classes))


def test_digits_are_drawn_evenly_and_channels_apart() -> None:
    labels = SMALL.build("train").classes
    assert labels is not None
    places = np.stack([labels // 100, labels // 10 % 10, labels % 10])
    for place in places:
        assert np.bincount(place, minlength=10).min() > 240
    assert abs(np.corrcoef(places) - np.eye(3)).max() < 0.05
    assert len(np.unique(labels)) > 900


def test_the_same_images_come_from_the_cache_and_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SMALL.build("test")
    assert isinstance(first.samples, np.memmap)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    again = SMALL.build("test")
    assert np.array_equal(first.samples, again.samples)
    assert np.array_equal(first.classes, again.classes)


def test_more_images_are_not_taken_for_fewer_nor_one_set_for_another() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 8, 1, 4, 4), dtype=np.uint8)
    labels = np.arange(8, dtype=np.int64) % 3
    made = [
        stacks.stack(Split(images[source], labels), 3, count, seed).samples
        for source, count, seed in [(0, 20, 0), (1, 20, 0), (0, 21, 0), (0, 20, 1), (0, 20, 0)]
    ]
    assert len({each.tobytes() for each in made}) == 4
    assert made[0].shape == (20, 3, 4, 4)


def test_any_grey_set_with_labels_can_be_stacked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "letters.npz"
    np.savez(
        path,
        train_images=rng.integers(0, 256, (50, 8, 8), dtype=np.uint8),
        train_labels=np.arange(50) % 4,
    )
    adapter = TypeAdapter(Dataset)
    base = {"type": "arrays", "path": str(path)}
    dataset = adapter.validate_python({"type": "stacked-mnist", "base": base, "count": 40})
    assert dataset.info().sample_shape == (3, 8, 8)
    assert dataset.info().condition == Condition("classes", 64)
    assert dataset.info().splits == ("train",)
    store = dataset.build("train")
    assert store.classes is not None
    assert store.classes.max() < 64
    with pytest.raises(DataError, match=r"no split 'test' \(available: train\)"):
        dataset.build("test")


def test_a_path_of_the_base_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = {"type": "stacked-mnist", "base": {"type": "arrays", "path": "x.npz"}}
    absolute = TypeAdapter(Dataset).validate_python(data).with_absolute_paths()
    assert absolute.model_dump()["base"]["path"] == str(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        (
            {"images": np.zeros((5, 8, 8, 3), np.uint8)},
            r"dataset\.base: .* needs grey 8-bit images",
        ),
        ({"points": np.zeros((5, 2), np.float32)}, r"'arrays' has samples \(2,\)"),
        ({"images": np.zeros((5, 8, 8), np.uint8)}, "needs labels, and 'arrays' has none"),
    ],
)
def test_other_bases_are_refused(arrays: dict[str, Any], reason: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    base = {"type": "arrays", "path": str(tmp_path / "x.npz")}
    dataset = TypeAdapter(Dataset).validate_python({"type": "stacked-mnist", "base": base})
    for refuse in (dataset.info, lambda: dataset.build("train")):
        with pytest.raises(DataError, match=reason):
            refuse()


@pytest.mark.parametrize(
    ("field", "value"),
    [("split", "test"), ("split", "all"), ("limit", 40), ("horizontal_flip", True)],
)
def test_what_the_base_cannot_decide_is_refused_there(field: str, value: object) -> None:
    data = {"type": "stacked-mnist", "base": {"type": "mnist-5k", field: value}}
    with pytest.raises(SpecError) as raised:
        parse_spec({"dataset": data})
    assert any(
        str(each).startswith(f"dataset.base: leave out '{field}' here; set it for the stacked set")
        for each in raised.value.problems
    )


def test_counts_are_positive() -> None:
    for field in ("count", "test_count"):
        with pytest.raises(ValidationError):
            StackedMnist.model_validate({field: 0})


def test_a_spec_finds_it_by_name_and_writes_all_of_it() -> None:
    adapter = TypeAdapter(Dataset)
    dataset = adapter.validate_python("stacked-mnist")
    assert dataset == StackedMnist()
    written = adapter.dump_python(dataset)
    assert written["base"]["type"] == "mnist-5k"
    assert adapter.validate_python(written) == dataset


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from ganzoo.plugins import installed; installed();"
        "from ganzoo_digits.dataset import StackedMnist as S; S().info();"
        "assert 'numpy' not in sys.modules; S(count=9).build('train');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
