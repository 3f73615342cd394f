"""Memory: how much a process has taken, and which batches fit where it ran out."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

import torch

from ganzoo.components import DatasetInfo
from ganzoo.errors import DeviceError, GanzooError, Problem, SpecError
from ganzoo.spec import RunSpec
from ganzoo.training.setup import prepare
from ganzoo.utils.devices import numerics, resolve_device
from ganzoo.utils.progress import report


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes taken so far, of a GPU or else of this process; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    status = Path("/proc/self/status")  # getrusage's peak may be that of the parent process
    if status.is_file():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        return int(found[1]) * 1024 if found else None
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that the device or the machine has too little memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("out of memory", "not enough memory", "can't allocate memory")  # of MPS and of CPUs
    return isinstance(error, RuntimeError) and any(each in str(error) for each in words)


def memory_problem(spec: RunSpec, info: DatasetInfo) -> GanzooError:
    """Find the largest parts of a batch that fit, by trying, and say what to change.

    Called where memory ran out, and after what was in use has been freed.
    """
    batch, parts = spec.training.batch_size, spec.training.accumulation
    device = resolve_device(spec.device)
    if _fits(spec, info, parts, device):
        return DeviceError(
            f"the memory of {device} ran out, though batches of {batch} fit: an evaluation, or another"
            " process, took the rest; lower evaluation.samples, or free some"
        )
    problem = f"batches of {batch // parts} need more memory than {device} has"
    tried = parts
    for more in range(2 * parts, batch + 1):
        if batch % more or more < 2 * tried:
            continue
        if _fits(spec, info, more, device):
            size = batch // more
            fix = f"batch_size {size} fits, or accumulation {more}, which takes {batch} in parts"
            return SpecError([Problem("training.batch_size", f"{problem}; {fix} of {size}")])
        tried = more
    return SpecError([Problem("training.batch_size", f"{problem}; so do smaller ones")])


def _fits(spec: RunSpec, info: DatasetInfo, parts: int, device: torch.device) -> bool:
    """Take two steps with batches in so many parts."""
    report(f"trying parts of {spec.training.batch_size // parts}", 0, 0)
    training = spec.training.model_copy(update={"accumulation": parts})
    tried = spec.model_copy(
        update={"training": training, "evaluation": None, "callbacks": (), "watchdog": None}
    )
    try:
        with numerics(device, deterministic=training.deterministic):
            state = prepare(tried, info, device, tried_only=True).state
            try:
                for step in range(2):
                    numbers = state.game.step(state.batches.next, step, 0.0)
                    state.meters.add(numbers)
                state.meters.means(2)
            finally:
                state.batches.close()
    except SpecError:  # batch norm would see a single sample
        return False
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return True
