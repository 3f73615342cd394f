"""Number formats and memory formats."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

MIXED = {"bfloat16": torch.bfloat16, "float16": torch.float16}
"""Precisions in which weights stay float32 and the networks compute in less."""


def weights_dtype(precision: str) -> torch.dtype:
    """Return the number format of weights and samples."""
    return torch.float64 if precision == "float64" else torch.float32


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which networks compute: mixed precision, or nothing special."""
    if precision not in MIXED:
        return nullcontext()
    return torch.autocast(device.type, dtype=MIXED[precision])


def grad_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Return what keeps float16 gradients from vanishing; it does nothing in other formats."""
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")


def fastest_memory_format(network: nn.Module) -> torch.memory_format:
    """Return channels-last for convolutional networks, which run faster so; else the usual one."""
    convolutional = any(parameter.dim() == 4 for parameter in network.parameters())
    return torch.channels_last if convolutional else torch.preserve_format
