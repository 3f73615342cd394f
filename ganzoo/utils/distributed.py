"""One evaluation over several processes: who takes which samples, and how results come together.

``torchrun --nproc-per-node 4 -m ganzoo evaluate RUN`` starts four processes, each of which generates
and reads its shard of the samples. Shards are whole blocks, so that nothing is padded or counted twice,
and the features gathered on the first process are those that a single process would compute.
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
T = TypeVar("T")

LAUNCHERS = {
    "torchrun": "WORLD_SIZE",
    "mpirun": "OMPI_COMM_WORLD_SIZE",
    "mpiexec": "PMI_SIZE",
    "srun": "SLURM_STEP_NUM_TASKS",  # SLURM_NTASKS is also what a batch script may start
}
"""Programs that start several processes at once, and the variable in which each says how many."""


@contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that torchrun started; do nothing in a single process.

    Raises:
        UsageError: torchrun's variables are set, but this torch cannot talk to other processes.
    """
    if _started("WORLD_SIZE") == 1 or dist.is_initialized():
        yield
        return
    if not dist.is_available():
        raise UsageError("this build of torch has no torch.distributed; start a single process")
    try:
        dist.init_process_group("gloo")  # features are gathered on the CPU, whatever computed them
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"WORLD_SIZE is set, but processes cannot join: {error}") from None
    try:
        yield
        dist.barrier()
    finally:
        dist.destroy_process_group()


def refuse_several_processes(what: str) -> None:
    """Raise ``UsageError`` if several processes were started at once; each would do the same."""
    for launcher, variable in LAUNCHERS.items():
        count = _started(variable)
        if count > 1:
            raise UsageError(
                f"{what} takes one process, and {launcher} started {count}; leave out {launcher}, or"
                f" unset {variable} where each process does it on its own"
            )


def _started(variable: str) -> int:
    """Return how many processes a launcher says that it started."""
    text = os.environ.get(variable) or "1"
    if not text.isdecimal() or text == "0":
        raise UsageError(f"{variable}: must be the number of processes, not {text!r}; unset it")
    return int(text)


def is_first() -> bool:
    """Return whether this process computes and writes the results."""
    return not _is_distributed() or dist.get_rank() == 0


def shard(count: int, block: int) -> range:
    """Return the indices, of ``count``, that this process takes; they begin at a multiple of block."""
    rank, parts = (dist.get_rank(), dist.get_world_size()) if _is_distributed() else (0, 1)
    blocks = -(-count // block)
    begin, end = (blocks * each // parts * block for each in (rank, rank + 1))
    return range(min(begin, count), min(end, count))


def gather(array: Array) -> Array:
    """Return the arrays of all processes, concatenated; an empty array on all but the first."""
    if not _is_distributed():
        return array
    arrays: list[Array] | None = [array] * dist.get_world_size() if is_first() else None
    dist.gather_object(array, arrays)
    return array[:0] if arrays is None else np.concatenate(arrays)


def all_gather(value: T) -> list[T]:
    """Return the value of each process, in the order of ranks, on all processes."""
    if not _is_distributed():
        return [value]
    values: list[T] = [value] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def broadcast(value: T) -> T:
    """Return the value of the first process."""
    if not _is_distributed():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized()
