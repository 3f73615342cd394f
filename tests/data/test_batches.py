"""The stream of batches: whole epochs, an order from the seed, and the same through workers."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.batches import Batch, Batches, Order, _Selections
from ganzoo.data.store import ImageStore
from ganzoo.errors import DataError

CPU = torch.device("cpu")


def store(count: int = 10) -> ImageStore:
    """Return images whose every pixel is their index, but for a bright left half of the first row."""
    samples = np.zeros((count, 1, 4, 4), dtype=np.uint8)
    samples += np.arange(count, dtype=np.uint8)[:, None, None, None]
    samples[:, :, 0, :2] = 255
    return ImageStore(samples, np.arange(count, dtype=np.int64) % 3)


def stream(
    samples: ImageStore,
    *,
    batch_size: int = 4,
    keep_last: bool = False,
    flip: bool = False,
    seed: int = 0,
    workers: int = 0,
    with_labels: bool = True,
) -> Batches:
    order = Order(len(samples), batch_size, keep_last=keep_last, flip=flip, seed=seed)
    return Batches(
        samples, order, device=CPU, dtype=torch.float64, workers=workers, with_labels=with_labels
    )


def indices(batch: Batch) -> list[int]:
    """Return which images a batch holds."""
    return [round((value + 1) * 127.5) for value in batch.samples[:, 0, 3, 3].tolist()]


def shown(batches: list[Batch]) -> list[int]:
    return [index for batch in batches for index in indices(batch)]


def take(batches: Batches, count: int) -> list[Batch]:
    return [batches.next() for _ in range(count)]


def test_an_epoch_shows_every_sample_once() -> None:
    epoch = take(stream(store(), keep_last=True), 3)
    assert [len(batch.samples) for batch in epoch] == [4, 4, 2]
    assert sorted(shown(epoch)) == list(range(10))


def test_the_last_batch_is_dropped_where_asked_for() -> None:
    batches = take(stream(store()), 4)
    assert [len(batch.samples) for batch in batches] == [4, 4, 4, 4]
    assert len(set(indices(batches[0]) + indices(batches[1]))) == 8


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, second = (shown(take(stream(store(), seed=seed), 2)) for seed in (0, 1))
    later = stream(store())
    later.seek(2)
    third = shown(take(later, 2))
    assert first != second
    assert first != third


def test_labels_stay_with_their_samples() -> None:
    batch = stream(store()).next()
    assert batch.labels is not None
    assert batch.labels.tolist() == [index % 3 for index in indices(batch)]
    assert stream(store(), with_labels=False).next().labels is None


def test_pixels_go_to_the_interval_from_minus_one_to_one() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    values = stream(ImageStore(pixels), batch_size=1).next().samples.flatten()
    assert torch.allclose(values, torch.arange(256, dtype=torch.float64) / 127.5 - 1, atol=1e-15)


def test_half_of_the_images_are_mirrored_and_only_so() -> None:
    samples = store(200)
    batch = stream(samples, batch_size=200, flip=True).next()
    right = batch.samples[:, 0, 0, 3] == 1
    left = batch.samples[:, 0, 0, 0] == 1
    assert torch.equal(right, ~left)
    assert 70 < right.sum() < 130


def test_points_pass_as_they_are() -> None:
    points = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    batch = stream(ImageStore(points), batch_size=8).next()
    assert sorted(batch.samples[:, 0].tolist()) == pytest.approx(sorted(points[:, 0].tolist()))


@pytest.mark.parametrize("position", [0, 1, 5])
def test_seeking_continues_the_same_stream(position: int) -> None:
    straight = take(stream(store(), flip=True, keep_last=True), position + 4)[position:]
    sought = stream(store(), flip=True, keep_last=True)
    sought.seek(position)
    for one, other in zip(straight, take(sought, 4), strict=True):
        assert torch.equal(one.samples, other.samples)


def test_workers_give_the_batches_that_memory_gives(tmp_path: Path) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, store().samples)
    mapped = ImageStore(np.load(path, mmap_mode="c"), store().labels)
    resident, streamed = stream(store(), flip=True), stream(mapped, flip=True, workers=2)
    state = torch.get_rng_state()
    for one in take(resident, 6):
        other = streamed.next()
        assert torch.equal(one.samples, other.samples)
        assert one.labels is not None
        assert other.labels is not None
        assert torch.equal(one.labels, other.labels)
    streamed.close()
    assert torch.equal(torch.get_rng_state(), state), "the loader drew from the run's random state"


def test_fewer_samples_than_a_batch_are_refused() -> None:
    with pytest.raises(DataError, match=r"training\.batch_size: 16 is more than the 10 samples"):
        Order(10, 16, keep_last=False, flip=False, seed=0)


def test_keys_go_on_without_end() -> None:
    order = Order(3, 2, keep_last=True, flip=False, seed=0)
    sizes = [len(key[0]) for key in islice(order.keys(1, CPU), 5)]
    assert sizes == [1, 2, 1, 2, 1]


@pytest.mark.parametrize("view", ["whole", "moved", "sliced", "both"])
def test_mapped_samples_reach_spawned_workers_as_they_are(tmp_path: Path, view: str) -> None:
    """Workers that are not forked reopen the file, and must see the same view of it."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "nhwc.npy", rng.integers(0, 256, (12, 4, 5, 3), dtype=np.uint8))
    samples = np.load(tmp_path / "nhwc.npy", mmap_mode="c")
    if view in {"moved", "both"}:
        samples = np.moveaxis(samples, -1, 1)
    if view in {"sliced", "both"}:
        samples = samples[3:11:2]
    selections = _Selections(samples, None)
    text = pickle.dumps(selections)
    copied = pickle.loads(text)
    keys = torch.arange(len(samples))
    assert torch.equal(copied[keys, None][0], selections[keys, None][0])
    assert len(text) < 2000, "the samples themselves were sent"
