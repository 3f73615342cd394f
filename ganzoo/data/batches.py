"""An endless stream of batches, in an order that follows from the seed alone."""

from __future__ import annotations

import itertools
import math
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from ganzoo.components import SampleSpace
from ganzoo.data.split import Split, as_tensor
from ganzoo.errors import DataError
from ganzoo.utils.seeds import derive_seed
from ganzoo.utils.signals import stop_signals

Array = npt.NDArray[Any]

CPU = torch.device("cpu")

STREAM_ABOVE = 512 * 2**20
"""Bytes of a split above which workers stream it; a smaller one is held on the device."""


@dataclass(frozen=True)
class Batch:
    """Real samples on the training device, with what belongs to them.

    Attributes:
        sample: (N, *sample_shape) as networks see them, images in [-1, 1].
        condition: (N,) int64 classes, (N, k) float32 labels or values, or None.
        source: (N, *source_shape), what samples are translated from, or None. Source i belongs to
            sample i where the data set is paired, and has nothing to do with it where it is not.
    """

    sample: torch.Tensor
    condition: torch.Tensor | None = None
    source: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.sample)

    def chunk(self, parts: int) -> list[Batch]:
        """Return parts of about the same size, at most as many as asked for."""
        samples = self.sample.chunk(parts)
        conditions, sources = (
            [None] * len(samples) if each is None else each.chunk(parts)
            for each in (self.condition, self.source)
        )
        return [Batch(*part) for part in zip(samples, conditions, sources, strict=True)]


Chosen = tuple[torch.Tensor, torch.Tensor | None]
"""Indices (N,) int64, and a mask (N,) bool of those that are mirrored, or None where none is."""

Key = tuple[Chosen, Chosen | None]
"""The samples in a batch, and the sources in it."""


class Order:
    """Which samples each batch holds, and which of them are mirrored.

    An epoch's order is drawn from the seed and the epoch's number, so that any batch can be found
    again without the ones before it: that is what makes a resumed run continue exactly.
    """

    def __init__(
        self, size: int, batch_size: int, *, keep_last: bool, flip: bool, seed: int
    ) -> None:
        self.size, self.batch_size, self.flip, self.seed = size, batch_size, flip, seed
        self.batches_per_epoch = math.ceil(size / batch_size) if keep_last else size // batch_size
        self.samples_per_epoch = size if keep_last else self.batches_per_epoch * batch_size
        if self.batches_per_epoch == 0:
            raise DataError(
                f"training.batch_size: {batch_size} is more than the {size} samples of the data set"
            )

    def epoch(self, number: int) -> Chosen:
        """Return a permutation (size,) int64 and, where flips are on, a mask (size,) bool."""
        return self._shuffle(self.size, "data order", number)

    def keys(self, position: int, device: torch.device) -> Iterator[Chosen]:
        """Yield the samples of all batches from a position on, without end."""
        epoch, first = divmod(position, self.batches_per_epoch)
        while True:
            permutation, mirrored = self.epoch(epoch)
            permutation = permutation.to(device)
            mirrored = None if mirrored is None else mirrored.to(device)
            for index in range(first, self.batches_per_epoch):
                chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
                yield permutation[chosen], None if mirrored is None else mirrored[chosen]
            epoch, first = epoch + 1, 0

    def source_keys(self, count: int, position: int, device: torch.device) -> Iterator[Chosen]:
        """Yield unpaired sources, as many as there are samples in each batch, without end.

        All ``count`` sources come in an order drawn from the seed, then all again in another order;
        the epochs of the samples do not matter.
        """

        def shuffled(number: int) -> torch.Tensor:
            indices, mirrored = self._shuffle(count, "source order", number)
            mask = torch.zeros_like(indices) if mirrored is None else mirrored
            return torch.stack([indices, mask.to(indices.dtype)]).to(device)

        epoch, first = divmod(position, self.batches_per_epoch)
        used = epoch * self.samples_per_epoch + first * self.batch_size
        number, begin = divmod(used, count)
        ahead = shuffled(number)[:, begin:]
        for batch in itertools.count(first):
            begin = batch % self.batches_per_epoch * self.batch_size
            size = min(self.batch_size, self.samples_per_epoch - begin)
            while ahead.shape[1] < size:
                number += 1
                ahead = torch.cat([ahead, shuffled(number)], dim=1)
            indices, mask = ahead[:, :size]
            yield indices, mask.bool() if self.flip else None
            ahead = ahead[:, size:]

    def _shuffle(self, size: int, purpose: str, number: int) -> Chosen:
        rng = torch.Generator().manual_seed(derive_seed(self.seed, purpose, number))
        permutation = torch.randperm(size, generator=rng)
        return permutation, torch.rand(size, generator=rng) < 0.5 if self.flip else None


class Batches:
    """Real samples for training, batch after batch."""

    def __init__(
        self,
        split: Split,
        order: Order,
        *,
        device: torch.device,  # where batches go
        dtype: torch.dtype,  # of the samples
        memory_format: torch.memory_format = torch.preserve_format,  # of images
        with_condition: bool = True,  # whether batches hold the conditions of their samples
        workers: int = 0,  # processes that read ahead, or 0 to hold the split on the device
    ) -> None:
        self.order = order
        self.sample_shape = split.space.shape
        self._space, self._source_space = split.space, split.source_space
        self._dtype, self._memory_format = dtype, memory_format
        condition = split.condition if with_condition else None
        arrays = [split.samples, condition, split.source]
        keys = _Keys(order, None if split.source is None else len(split.source), split.paired)
        self._read = (
            partial(_streamed, _Selections(arrays), keys, device, workers)
            if workers
            else partial(_resident, _on_device(arrays, device), replace(keys, device=device))
        )
        self._stored = self._read(0)

    def seek(self, position: int) -> None:
        """Go to a batch, counted from the start of training."""
        self._stored = self._read(position)

    def next(self) -> Batch:
        """Return the next batch."""
        samples, condition, sources, mirrored, source_mirrored = next(self._stored)
        if sources is not None and self._source_space is not None:
            sources = self._decode(self._source_space, sources, source_mirrored)
        return Batch(self._decode(self._space, samples, mirrored), condition, sources)

    def close(self) -> None:
        """End the workers."""
        self._stored = iter(())

    def _decode(
        self, space: SampleSpace, stored: torch.Tensor, mirrored: torch.Tensor | None
    ) -> torch.Tensor:
        samples = space.decode(stored, self._dtype)
        if mirrored is not None and space.kind == "images":
            samples = torch.where(mirrored[:, None, None, None], samples.flip(-1), samples)
        if samples.dim() == 4:
            samples = samples.contiguous(memory_format=self._memory_format)
        return samples


Tensor = torch.Tensor
Stored = tuple[Tensor, Tensor | None, Tensor | None, Tensor | None, Tensor | None]
"""Samples, conditions and sources as they are stored, and which of the samples and of the sources are
mirrored; all on the device."""


@dataclass(frozen=True)
class _Keys:
    """The keys of all batches from a position on, without end; each iterator starts there."""

    order: Order
    sources: int | None  # how many, where there are any
    paired: bool
    position: int = 0
    device: torch.device = CPU

    def __iter__(self) -> Iterator[Key]:
        samples = self.order.keys(self.position, self.device)
        if self.sources is None:
            return ((chosen, None) for chosen in samples)
        if self.paired:
            return ((chosen, chosen) for chosen in samples)
        sources = self.order.source_keys(self.sources, self.position, self.device)
        return zip(samples, sources, strict=True)


def _on_device(arrays: Sequence[Array | None], device: torch.device) -> list[Tensor | None]:
    return [None if array is None else as_tensor(array).to(device) for array in arrays]


def _resident(tensors: Sequence[Tensor | None], keys: _Keys, position: int) -> Iterator[Stored]:
    """Yield batches from a position on, as selections of rows on the device."""
    for key in replace(keys, position=position):
        yield _select(tensors, key, lambda rows, indices: rows.index_select(0, indices))


def _streamed(
    dataset: _Selections, keys: _Keys, device: torch.device, workers: int, position: int
) -> Iterator[Stored]:
    """Yield batches from a position on, read ahead by workers, which end when this is dropped."""
    on_gpu = device.type == "cuda"
    loader: DataLoader[Any] = DataLoader(
        dataset,
        batch_size=None,
        sampler=replace(keys, position=position),
        num_workers=workers,
        pin_memory=on_gpu,
        worker_init_fn=_ignore_interrupts,
        # A generator of its own: the loader must not draw from the run's random state.
        generator=torch.Generator(),
    )
    for stored in loader:
        moved: Any = tuple(
            None if each is None else each.to(device, non_blocking=on_gpu) for each in stored
        )
        yield moved


class _Selections(Dataset[Any]):
    """Rows of a split by the key of a batch; mapped files are reopened in each worker."""

    def __init__(self, arrays: Sequence[Array | None]) -> None:
        self.arrays = arrays

    def __getitem__(self, key: Key) -> Stored:
        return _select(self.arrays, key, lambda rows, indices: as_tensor(rows[indices.numpy()]))

    def __getstate__(self) -> list[Any]:
        """Send a worker the place of mapped arrays in their file, and not what they hold."""
        return [_Mapped.of(each) if isinstance(each, np.memmap) else each for each in self.arrays]

    def __setstate__(self, state: list[Any]) -> None:
        self.arrays = [each.open() if isinstance(each, _Mapped) else each for each in state]


def _select(arrays: Sequence[Any], key: Key, select: Callable[[Any, Tensor], Tensor]) -> Stored:
    (chosen, mirrored), sources = key
    samples, condition, source = arrays
    of_sources, source_mirrored = sources or (None, None)
    return (
        select(samples, chosen),
        None if condition is None else select(condition, chosen),
        None if of_sources is None else select(source, of_sources),
        mirrored,
        source_mirrored,
    )


@dataclass(frozen=True)
class _Mapped:
    """Where an array lies in a mapped file; it may be a view with axes moved or rows left out."""

    filename: str
    start: int
    length: int
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, array: np.memmap[Any, Any]) -> _Mapped:
        whole: Any = array
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        # memmap.offset is that of the whole map, whatever part of it an array shows.
        offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        place = str(whole.filename), int(whole.offset), int(whole.nbytes), offset
        return cls(*place, array.dtype, array.shape, array.strides)

    def open(self) -> np.ndarray[Any, Any]:
        whole = np.memmap(self.filename, np.uint8, "c", self.start, (self.length,))
        return np.ndarray(self.shape, self.dtype, whole, self.offset, self.strides)


def _ignore_interrupts(worker: int) -> None:
    """Leave signals to stop to the training process, which finishes its step first."""
    del worker
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
