"""An endless stream of batches, in an order that follows from the seed alone."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ganzoo.data.store import ImageStore
from ganzoo.errors import DataError
from ganzoo.utils.seeds import derive_seed

STREAM_ABOVE = 512 * 2**20
"""Bytes from which samples are streamed by workers rather than held on the device."""


@dataclass(frozen=True)
class Batch:
    """Real samples on the training device.

    Attributes:
        samples: (N, *sample_shape) in [-1, 1] for images.
        labels: (N,) int64, or None.
    """

    samples: torch.Tensor
    labels: torch.Tensor | None


Key = tuple[torch.Tensor, torch.Tensor | None]
"""A batch to be: indices of its samples (N,) int64, and which are mirrored (N,) bool."""


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
        if self.batches_per_epoch == 0:
            raise DataError(
                f"training.batch_size: {batch_size} is more than the {size} samples of the data set"
            )

    def epoch(self, number: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a permutation (size,) int64 and, where flips are on, a mask (size,) bool."""
        rng = torch.Generator().manual_seed(derive_seed(self.seed, "data order", number))
        permutation = torch.randperm(self.size, generator=rng)
        mirrored = torch.rand(self.size, generator=rng) < 0.5 if self.flip else None
        return permutation, mirrored

    def keys(self, position: int, device: torch.device) -> Iterator[Key]:
        """Yield the keys of all batches from a position on, without end."""
        epoch, first = divmod(position, self.batches_per_epoch)
        while True:
            permutation, mirrored = self.epoch(epoch)
            permutation = permutation.to(device)
            mirrored = None if mirrored is None else mirrored.to(device)
            for index in range(first, self.batches_per_epoch):
                chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
                yield permutation[chosen], None if mirrored is None else mirrored[chosen]
            epoch, first = epoch + 1, 0


class Batches:
    """Real samples for training, batch after batch.

    Args:
        store: the split to train on.
        order: which samples come when.
        device: where batches go.
        dtype: number format of the samples.
        memory_format: layout of image batches.
        workers: processes that read ahead, or 0 to hold all samples on the device.
    """

    def __init__(
        self,
        store: ImageStore,
        order: Order,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format = torch.preserve_format,
        with_labels: bool = True,
        workers: int = 0,
    ) -> None:
        self.order = order
        self.sample_shape = store.samples.shape[1:]
        self._device, self._dtype, self._memory_format = device, dtype, memory_format
        self._images = store.samples.dtype == np.uint8
        labels = store.labels if with_labels else None
        self._source = (
            _Streamed(store.samples, labels, order, device, workers)
            if workers
            else _Resident(store.samples, labels, order, device)
        )
        self._rows = self._source.rows(0)

    def seek(self, position: int) -> None:
        """Go to a batch, counted from the start of training."""
        self._rows = self._source.rows(position)

    def next(self) -> Batch:
        """Return the next batch."""
        rows, labels, mirrored = next(self._rows)
        samples = rows.to(self._dtype)
        if self._images:
            samples = samples.mul_(2 / 255).sub_(1)
        if mirrored is not None:
            samples = torch.where(mirrored[:, None, None, None], samples.flip(-1), samples)
        if samples.dim() == 4:
            samples = samples.contiguous(memory_format=self._memory_format)
        return Batch(samples, labels)

    def close(self) -> None:
        """End the workers."""
        self._rows = iter(())


Rows = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]
"""Samples as stored, their labels, and which of them are mirrored; all on the device."""


class _Resident:
    """All samples as one tensor on the device; a batch is a selection of its rows."""

    def __init__(
        self,
        samples: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any] | None,
        order: Order,
        device: torch.device,
    ) -> None:
        self._samples = torch.from_numpy(samples).to(device)
        self._labels = None if labels is None else torch.from_numpy(labels).to(device)
        self._order, self._device = order, device

    def rows(self, position: int) -> Iterator[Rows]:
        """Yield the batches from a position on."""
        for chosen, mirrored in self._order.keys(position, self._device):
            yield (
                self._samples.index_select(0, chosen),
                None if self._labels is None else self._labels.index_select(0, chosen),
                mirrored,
            )


class _Streamed:
    """Samples read ahead by worker processes, for sets that do not fit in memory."""

    def __init__(
        self,
        samples: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any] | None,
        order: Order,
        device: torch.device,
        workers: int,
    ) -> None:
        self._dataset = _Selections(samples, labels)
        self._order, self._device, self._workers = order, device, workers

    def rows(self, position: int) -> Iterator[Rows]:
        """Yield the batches from a position on; the workers end when the iterator is dropped."""
        on_gpu = self._device.type == "cuda"
        loader: DataLoader[Any] = DataLoader(
            self._dataset,
            batch_size=None,
            sampler=_Keys(self._order, position),
            num_workers=self._workers,
            pin_memory=on_gpu,
            worker_init_fn=_ignore_interrupts,
            # A generator of its own: the loader must not draw from the run's random state.
            generator=torch.Generator(),
        )
        for samples, labels, mirrored in loader:
            yield (
                samples.to(self._device, non_blocking=on_gpu),
                None if labels is None else labels.to(self._device, non_blocking=on_gpu),
                None if mirrored is None else mirrored.to(self._device, non_blocking=on_gpu),
            )


class _Selections(Dataset[Any]):
    """Rows of the store by a tensor of indices; mapped files are reopened in each worker."""

    def __init__(self, samples: np.ndarray[Any, Any], labels: np.ndarray[Any, Any] | None) -> None:
        self.samples, self.labels = samples, labels

    def __getitem__(self, key: tuple[torch.Tensor, torch.Tensor | None]) -> Any:
        indices, mirrored = key
        chosen = indices.numpy()
        return (
            torch.from_numpy(self.samples[chosen]),
            None if self.labels is None else torch.from_numpy(self.labels[chosen]),
            mirrored,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Send a worker the place of mapped samples in their file, and not the samples."""
        state = dict(self.__dict__)
        if isinstance(self.samples, np.memmap):
            state["samples"] = _Mapped.of(self.samples)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["samples"], _Mapped):
            state["samples"] = state["samples"].open()
        self.__dict__.update(state)


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
        return cls(
            str(whole.filename),
            int(whole.offset),
            int(whole.nbytes),
            offset,
            array.dtype,
            array.shape,
            array.strides,
        )

    def open(self) -> np.ndarray[Any, Any]:
        whole = np.memmap(self.filename, np.uint8, "c", self.start, (self.length,))
        return np.ndarray(self.shape, self.dtype, whole, self.offset, self.strides)


class _Keys:
    """The keys of all batches from a position on, as the sampler of a loader."""

    def __init__(self, order: Order, position: int) -> None:
        self._order, self._position = order, position

    def __iter__(self) -> Iterator[Key]:
        return self._order.keys(self._position, torch.device("cpu"))


def _ignore_interrupts(worker: int) -> None:
    """Leave Ctrl-C and SIGTERM to the training process, which finishes its step first."""
    del worker
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
