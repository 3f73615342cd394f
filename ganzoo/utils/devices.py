"""Devices, and the process-wide settings under which training runs on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganzoo.errors import DeviceError


def resolve_device(name: str) -> torch.device:
    """Return the device a spec names.

    Args:
        name: ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:i``.

    Raises:
        DeviceError: it is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    # Torch wraps large indices around: 300 would be another device.
    kind, _, number = name.partition(":")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError(
                f"device: {name!r} asked for, but torch finds no CUDA device here; use 'cpu'"
            )
        index, count = int(number or 0), torch.cuda.device_count()
        if index >= count:
            raise DeviceError(
                f"device: {name!r} asked for, but there are only {count} CUDA devices"
            )
        return torch.device("cuda", index)
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(
            f"device: {name!r} asked for, but torch finds no Apple GPU here; use 'cpu'"
        )
    return torch.device(kind)


@contextmanager
def training_numerics(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """Set torch up for fast training, and put everything back afterwards.

    Denormal numbers are flushed to zero (they slow CPUs down and carry nothing); float32 matrix
    products on CUDA use TF32; convolutions are chosen by trial unless they must be deterministic.
    The global random state is restored, so that a run inside a notebook leaves it as it was.
    """
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_benchmark = torch.backends.cudnn.benchmark
    was_precision = torch.get_float32_matmul_precision()
    if deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        try:
            torch.set_flush_denormal(True)
            _use_deterministic_algorithms(deterministic or was_deterministic)
            torch.backends.cudnn.benchmark = not deterministic
            torch.set_float32_matmul_precision("highest" if deterministic else "high")
            yield
        finally:
            torch.set_flush_denormal(False)
            _use_deterministic_algorithms(was_deterministic)
            torch.backends.cudnn.benchmark = was_benchmark
            torch.set_float32_matmul_precision(was_precision)


def _use_deterministic_algorithms(wanted: bool) -> None:
    """Switch if there is anything to switch: the call imports torch's compiler, which takes seconds."""
    if wanted != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(wanted)
