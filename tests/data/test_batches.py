"""The stream of batches: whole epochs, an order from the seed, and the same through workers."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.batches import Batch, Batches, Order, _Selections
from ganzoo.data.split import Split
from ganzoo.errors import DataError

CPU = torch.device("cpu")


def store(count: int = 10) -> Split:
    """Return images whose every pixel is their index, but for a bright left half of the first row."""
    samples = np.zeros((count, 1, 4, 4), dtype=np.uint8)
    samples += np.arange(count, dtype=np.uint8)[:, None, None, None]
    samples[:, :, 0, :2] = 255
    return Split(samples, np.arange(count, dtype=np.int64) % 3)


def stream(
    samples: Split,
    *,
    batch_size: int = 4,
    keep_last: bool = False,
    flip: bool = False,
    seed: int = 0,
    workers: int = 0,
    with_condition: bool = True,
) -> Batches:
    order = Order(len(samples), batch_size, keep_last=keep_last, flip=flip, seed=seed)
    return Batches(
        samples,
        order,
        device=CPU,
        dtype=torch.float64,
        workers=workers,
        with_condition=with_condition,
    )


def indices(batch: Batch) -> list[int]:
    """Return which images a batch holds."""
    return [round((value + 1) * 127.5) for value in batch.sample[:, 0, 3, 3].tolist()]


def shown(batches: list[Batch]) -> list[int]:
    return [index for batch in batches for index in indices(batch)]


def take(batches: Batches, count: int) -> list[Batch]:
    return [batches.next() for _ in range(count)]


def test_an_epoch_shows_every_sample_once() -> None:
    epoch = take(stream(store(), keep_last=True), 3)
    assert [len(batch) for batch in epoch] == [4, 4, 2]
    assert sorted(shown(epoch)) == list(range(10))


def test_the_last_batch_is_dropped_where_asked_for() -> None:
    batches = take(stream(store()), 4)
    assert [len(batch) for batch in batches] == [4, 4, 4, 4]
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
    assert batch.condition is not None
    assert batch.condition.tolist() == [index % 3 for index in indices(batch)]
    assert stream(store(), with_condition=False).next().condition is None


def test_pixels_go_to_the_interval_from_minus_one_to_one() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    values = stream(Split(pixels), batch_size=1).next().sample.flatten()
    assert torch.allclose(values, torch.arange(256, dtype=torch.float64) / 127.5 - 1, atol=1e-15)


def test_half_of_the_images_are_mirrored_and_only_so() -> None:
    samples = store(200)
    batch = stream(samples, batch_size=200, flip=True).next()
    right = batch.sample[:, 0, 0, 3] == 1
    left = batch.sample[:, 0, 0, 0] == 1
    assert torch.equal(right, ~left)
    assert 70 < right.sum() < 130


def test_points_pass_as_they_are() -> None:
    points = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    batch = stream(Split(points), batch_size=8).next()
    assert sorted(batch.sample[:, 0].tolist()) == pytest.approx(sorted(points[:, 0].tolist()))


@pytest.mark.parametrize("position", [0, 1, 5])
def test_seeking_continues_the_same_stream(position: int) -> None:
    straight = take(stream(store(), flip=True, keep_last=True), position + 4)[position:]
    sought = stream(store(), flip=True, keep_last=True)
    sought.seek(position)
    for one, other in zip(straight, take(sought, 4), strict=True):
        assert torch.equal(one.sample, other.sample)


def test_workers_give_the_batches_that_memory_gives(tmp_path: Path) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, store().samples)
    mapped = Split(np.load(path, mmap_mode="c"), store().condition)
    resident, streamed = stream(store(), flip=True), stream(mapped, flip=True, workers=2)
    state = torch.get_rng_state()
    for one in take(resident, 6):
        other = streamed.next()
        assert torch.equal(one.sample, other.sample)
        assert one.condition is not None
        assert other.condition is not None
        assert torch.equal(one.condition, other.condition)
    streamed.close()
    assert torch.equal(torch.get_rng_state(), state), "the loader drew from the run's random state"


def with_sources(count: int = 10, sources: int = 10, *, paired: bool = True) -> Split:
    """Return the images of ``store`` and sources that differ from them in brightness."""
    split = store(count)
    source = store(sources).samples // 2
    return Split(split.samples, split.condition, source, paired)


def sources_of(batch: Batch) -> list[int]:
    """Return which sources a batch holds."""
    assert batch.source is not None
    return [round((value + 1) * 127.5 * 2) for value in batch.source[:, 0, 3, 3].tolist()]


def side_of(images: torch.Tensor) -> torch.Tensor:
    """Return which images have their bright half on the right."""
    return images[:, 0, 0, 3] > images[:, 0, 0, 0]


def test_a_paired_source_stays_with_its_sample_and_is_mirrored_with_it() -> None:
    split = with_sources(200, 200)
    split.source[:] = split.samples  # type: ignore[index] # it has sources
    batch = stream(split, batch_size=200, flip=True).next()
    assert batch.source is not None
    assert torch.equal(batch.source, batch.sample)
    assert len(set(side_of(batch.sample).tolist())) == 2
    plain = stream(store(200), batch_size=200, flip=True).next()
    assert torch.equal(plain.sample, batch.sample), "sources must not change the order of samples"


def test_sources_that_are_not_images_are_not_mirrored() -> None:
    points = np.arange(10, dtype=np.float32)[:, None].repeat(2, axis=1)
    batch = stream(Split(store().samples, None, points), flip=True, batch_size=10).next()
    assert batch.source is not None
    assert batch.source[:, 1].tolist() == indices(batch)
    assert len(set(side_of(batch.sample).tolist())) == 2


@pytest.mark.parametrize("sources", [3, 10, 17])
@pytest.mark.parametrize("keep_last", [False, True])
def test_unpaired_sources_all_come_before_one_comes_again(sources: int, keep_last: bool) -> None:
    split = with_sources(10, sources, paired=False)
    batches = take(stream(split, keep_last=keep_last), 12)
    for batch in batches:
        assert batch.source is not None
        assert len(batch.source) == len(batch)
    seen = [index for batch in batches for index in sources_of(batch)]
    # Sources are halved, so two neighbours look alike: count by pairs.
    rounds = [seen[begin : begin + sources] for begin in range(0, len(seen), sources)]
    expected = sorted(index // 2 * 2 for index in range(sources))
    assert all(sorted(each) == expected for each in rounds if len(each) == sources)
    assert sources == 3 or rounds[0] != rounds[1]
    plain = take(stream(store(), keep_last=keep_last), 12)
    assert all(torch.equal(a.sample, b.sample) for a, b in zip(batches, plain, strict=True))


def test_unpaired_sources_have_an_order_and_flips_of_their_own() -> None:
    batch = stream(with_sources(200, 200, paired=False), batch_size=200, flip=True).next()
    assert batch.source is not None
    assert [index // 2 * 2 for index in indices(batch)] != sources_of(batch)
    mirrored = side_of(batch.source)
    assert 70 < mirrored.sum() < 130
    assert not torch.equal(mirrored, side_of(batch.sample))


@pytest.mark.parametrize("sources", [3, 10, 23])
@pytest.mark.parametrize("keep_last", [False, True])
@pytest.mark.parametrize("position", [1, 2, 3, 13])
def test_seeking_finds_unpaired_sources_from_the_position_alone(
    sources: int, keep_last: bool, position: int
) -> None:
    split = with_sources(10, sources, paired=False)
    straight = take(stream(split, flip=True, keep_last=keep_last), position + 5)[position:]
    sought = stream(split, flip=True, keep_last=keep_last)
    sought.seek(position)
    for one, other in zip(straight, take(sought, 5), strict=True):
        assert torch.equal(one.sample, other.sample)
        assert torch.equal(one.source, other.source)  # type: ignore[arg-type] # both have sources


@pytest.mark.parametrize("paired", [True, False])
def test_workers_give_the_sources_that_memory_gives(tmp_path: Path, paired: bool) -> None:
    split = with_sources(paired=paired)
    np.save(tmp_path / "source.npy", split.source)
    mapped = Split(split.samples, None, np.load(tmp_path / "source.npy", mmap_mode="c"), paired)
    streamed = stream(mapped, flip=True, workers=1)
    for one in take(stream(split, flip=True), 6):
        other = streamed.next()
        assert torch.equal(one.sample, other.sample)
        assert torch.equal(one.source, other.source)  # type: ignore[arg-type] # both have sources
    streamed.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_16_bit_samples_and_sources_keep_all_their_values(workers: int) -> None:
    deep = np.arange(2**16, dtype=np.uint16).reshape(1, 1, 256, 256)
    batches = stream(Split(deep, None, deep[:, :, ::-1].copy()), batch_size=1, workers=workers)
    batch = batches.next()
    batches.close()
    expected = torch.arange(2**16, dtype=torch.float64).reshape(256, 256) / (65535 / 2) - 1
    assert torch.allclose(batch.sample[0, 0], expected, atol=1e-15)
    assert batch.source is not None
    assert torch.allclose(batch.source[0, 0], expected.flip(0), atol=1e-15)
    assert batch.sample.min() == -1
    assert batch.sample.max() == 1


def test_sequences_and_labels_pass_as_they_are() -> None:
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(6, 2, 9)).astype(np.float32)
    labels = rng.integers(0, 2, (6, 3)).astype(np.float32)
    batch = stream(Split(sequences, labels), batch_size=6).next()
    order = np.argsort(sequences[:, 0, 0])
    found = torch.argsort(batch.sample[:, 0, 0])
    assert np.array_equal(batch.sample[found].numpy(), sequences[order])
    assert batch.condition is not None
    assert np.array_equal(batch.condition[found].numpy(), labels[order])


def test_a_batch_is_split_into_parts_with_all_their_fields() -> None:
    batch = stream(with_sources(), batch_size=7).next()
    parts = batch.chunk(3)
    assert [len(part) for part in parts] == [3, 3, 1]
    for name in ("sample", "condition", "source"):
        whole = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(whole, getattr(batch, name))
    assert [part.source for part in stream(store()).next().chunk(2)] == [None, None]


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
    selections = _Selections([samples, None, None])
    text = pickle.dumps(selections)
    copied = pickle.loads(text)
    keys = torch.arange(len(samples))
    assert torch.equal(copied[(keys, None), None][0], selections[(keys, None), None][0])
    assert len(text) < 2000, "the samples themselves were sent"
