"""One evaluation over several processes: who takes which samples, and how results come together.

Started by ``torchrun --nproc-per-node 4 -m ganzoo evaluate RUN``, each process makes and reads its
share of the samples. Shares are whole blocks, so nothing is padded or counted twice, and the features
that come together on the first process are those that one process alone would have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch.distributed as dist

from ganzoo.errors import UsageError

Array = npt.NDArray[Any]
Thing = TypeVar("Thing")


@contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that torchrun started; alone, do nothing.

    Raises:
        UsageError: torchrun's variables are there, but torch cannot talk to other processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if not dist.is_available():
        raise UsageError("this build of torch has no torch.distributed; start one process only")
    dist.init_process_group("gloo")  # features meet on the CPU, whatever made them
    try:
        yield
        dist.barrier()
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Return the number of this process."""
    return dist.get_rank() if _together() else 0


def is_first() -> bool:
    """Say whether this process computes and writes the results."""
    return rank() == 0


def own_share(count: int, block: int) -> range:
    """Return the samples this process takes.

    Args:
        count: samples there are.
        block: shares begin at multiples of it.
    """
    parts = dist.get_world_size() if _together() else 1
    blocks = -(-count // block)
    begin, end = (blocks * each // parts * block for each in (rank(), rank() + 1))
    return range(min(begin, count), min(end, count))


def gathered(share: Array) -> Array:
    """Return the shares of all processes one after the other; on all but the first, an empty array."""
    if not _together():
        return share
    shares: list[Array] | None = [share] * dist.get_world_size() if is_first() else None
    dist.gather_object(share, shares)
    return share[:0] if shares is None else np.concatenate(shares)


def everyones(value: Thing) -> list[Thing]:
    """Return what each process has, in their order; the same list on all of them."""
    if not _together():
        return [value]
    values: list[Thing] = [value] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def agreed(value: Thing) -> Thing:
    """Return what the first process has."""
    if not _together():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
