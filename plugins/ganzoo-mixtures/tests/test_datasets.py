"""Points from mixtures of Gaussians."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from ganzoo_mixtures.datasets import Grid, Grid100, Ring
from pydantic import TypeAdapter

from ganzoo.components import Condition, Dataset
from ganzoo.errors import DataError, SpecError
from ganzoo.spec import parse_spec

Points = Ring | Grid | Grid100

EACH = pytest.mark.parametrize(
    "dataset", [Ring(), Grid(), Grid100()], ids=lambda dataset: dataset.type
)


@pytest.mark.parametrize(
    ("dataset", "modes", "nearest", "farthest", "std"),
    [
        (Ring(), 8, 2 * math.sin(math.pi / 8), 2.0, 0.01),
        (Grid(), 25, 2.0, 8 * math.sqrt(2), 0.05),
        (Grid100(), 100, 1.0, 9 * math.sqrt(2), 0.03),
    ],
    ids=["ring", "grid", "grid100"],
)
def test_modes_are_where_the_papers_have_them(
    dataset: Points, modes: int, nearest: float, farthest: float, std: float
) -> None:
    mixture = dataset.mixture()
    centers = np.array(mixture.centers)
    assert centers.shape == (modes, 2)
    np.testing.assert_allclose(centers.mean(axis=0), 0, atol=1e-12)
    apart = np.linalg.norm(centers[:, None] - centers, axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(apart.min(axis=1), nearest)
    np.testing.assert_allclose(apart[np.isfinite(apart)].max(), farthest)
    assert mixture.std == std


@EACH
@pytest.mark.parametrize("split", ["train", "test"])
def test_points_are_drawn_from_the_mixture_and_labelled_with_their_mode(
    dataset: Points, split: str
) -> None:
    store, mixture = dataset.build(split), dataset.mixture()
    assert store.samples.shape == (100_000, *dataset.info().sample_shape)
    assert store.classes is not None
    modes = len(mixture.centers)
    assert dataset.info().condition == Condition("classes", modes)
    assert abs(np.bincount(store.classes) / 100_000 * modes - 1).max() < 0.01 * modes**0.5 + 0.04
    offsets = (store.samples - np.array(mixture.centers)[store.classes]) / mixture.std
    np.testing.assert_allclose(offsets.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(np.cov(offsets.T), np.eye(2), atol=0.02)
    within = (np.linalg.norm(offsets, axis=1) <= 3).mean()
    assert within == pytest.approx(1 - math.exp(-4.5), abs=0.002)


@EACH
def test_points_are_the_same_each_time_and_others_in_each_split(dataset: Points) -> None:
    train, again, test = (dataset.build(split) for split in ("train", "train", "test"))
    assert np.array_equal(train.samples, again.samples)
    assert np.array_equal(train.classes, again.classes)
    assert not np.isin(train.samples[:, 0], test.samples[:, 0]).all()
    assert abs(np.corrcoef(train.classes, test.classes)[0, 1]) < 0.02


def test_as_many_points_are_drawn_as_asked_for() -> None:
    assert len(Ring(count=7).build("test")) == 7


@EACH
def test_other_splits_are_refused(dataset: Points) -> None:
    with pytest.raises(
        DataError, match=rf"{dataset.type} has no split 'all' \(available: train, test\)"
    ):
        dataset.build("all")


@pytest.mark.parametrize("dataset", [Ring(count=10, split="test"), Grid()], ids=str)
def test_what_is_written_out_loads_again(dataset: Points) -> None:
    adapter = TypeAdapter(Dataset)
    assert adapter.validate_python(adapter.dump_python(dataset)) == dataset


def test_points_are_not_mirrored() -> None:
    networks = {"generator": "mlp", "discriminator": "mlp"}
    spec = parse_spec({"dataset": {"type": "ring", "horizontal_flip": True}, **networks})
    with pytest.raises(SpecError, match=r"dataset\.horizontal_flip: only images can be mirrored"):
        spec.check()


def test_neither_torch_nor_numpy_is_imported_to_describe_them() -> None:
    code = (
        "import sys; from ganzoo_mixtures.datasets import Grid, Ring;"
        "[each.info() for each in (Ring(), Grid())];"
        "sys.exit(len({'torch', 'numpy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
