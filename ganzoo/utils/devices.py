"""Devices, and the process-wide settings under which training runs on them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganzoo.errors import DeviceError
from ganzoo.utils.memory import machine_memory


def resolve_device(name: str) -> torch.device:
    """Return a device: ``auto``, ``cpu``, ``mps``, ``cuda``, ``cuda:i``; or ``DeviceError``."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    # Torch wraps large indices around: 300 would be another device.
    kind, _, number = name.partition(":")
    if kind not in {"cpu", "cuda", "mps"} or not (number or "0").isdecimal():
        raise DeviceError(f"device: must be auto, cpu, cuda, cuda:1 or mps, not {name!r}")
    index, problem = int(number or 0), None
    if kind == "cuda" and not torch.cuda.is_available():
        problem = "torch finds no CUDA device; use 'cpu'"
    elif kind == "cuda" and index >= (count := torch.cuda.device_count()):
        problem = f"there are {count} CUDA devices, from 0"
    elif kind == "mps" and not torch.backends.mps.is_available():
        problem = "torch finds no Apple GPU; use 'cpu'"
    if problem is not None:
        raise DeviceError(f"device: {name!r} is not available: {problem}")
    return torch.device(kind, index) if kind == "cuda" else torch.device(kind)


@contextmanager
def numerics(
    device: torch.device, *, exact: bool = False, deterministic: bool = False
) -> Iterator[None]:
    """Set torch up for one kind of work, and restore everything afterwards.

    By default it is fast: denormal numbers, which slow CPUs down and carry no information, are flushed
    to zero, TF32 is used, and convolutions are chosen by timing them. The global random state is
    restored, so that work inside a notebook leaves it as it was.

    Args:
        device: where the work runs.
        exact: use full float32 and deterministic convolutions; for evaluation. Whether denormal
            numbers are flushed stays as it is.
        deterministic: use deterministic algorithms only; for training that repeats to the last bit.
    """
    cudnn = torch.backends.cudnn
    names = ("benchmark", "deterministic", "allow_tf32") if exact else ("benchmark",)
    was_cudnn = {name: getattr(cudnn, name) for name in names}
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_precision = torch.get_float32_matmul_precision()
    threads = torch.get_num_threads()
    if deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            if exact:
                cudnn.deterministic, cudnn.allow_tf32 = True, False
            else:
                torch.set_flush_denormal(True)
            cudnn.benchmark = not (exact or deterministic)
            torch.set_float32_matmul_precision("highest" if exact or deterministic else "high")
            _use_deterministic_algorithms(deterministic or was_deterministic)
            yield
        finally:
            if not exact:  # training goes on after an evaluation
                torch.set_flush_denormal(False)
            torch.set_float32_matmul_precision(was_precision)
            torch.set_num_threads(threads)
            for name, value in was_cudnn.items():
                setattr(cudnn, name, value)
            _use_deterministic_algorithms(was_deterministic)


def _use_deterministic_algorithms(wanted: bool) -> None:
    """Switch only on a change: the call imports torch's compiler, which takes seconds."""
    if wanted != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(wanted)


def total_memory(device: torch.device) -> int | None:
    """Return the bytes that a GPU or else the machine has; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    memory = machine_memory()
    return None if math.isinf(memory) else int(memory)
