"""Tensors as bytes, the hash of weights, and tensors from what users pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save

from ganzoo.errors import RunError


def to_safetensors(tensors: Mapping[str, torch.Tensor], header: Mapping[str, str]) -> bytes:
    """Serialize tensors from any device and in any memory format."""
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return save(plain, metadata=dict(header))


def read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the JSON that stands under ``ganzoo`` in the header of a file, and its tensors."""
    with safe_open(path, framework="pt") as file:
        header = json.loads((file.metadata() or {})["ganzoo"])
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def tensors_under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Return the tensors whose names begin with a prefix and a slash, by what follows."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def weights_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of weights: of their names, shapes, types and numbers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def tensor_from(
    name: str, numbers: torch.Tensor | npt.ArrayLike, *, floats: bool = False
) -> torch.Tensor:
    """Return an argument of this name as a tensor; ``RunError`` if it is not an array of numbers.

    Only floating-point numbers are accepted where ``floats`` is set.
    """
    if not isinstance(numbers, torch.Tensor):
        try:
            numbers = torch.from_numpy(np.array(numbers))
        except (TypeError, ValueError) as error:
            raise RunError(f"{name}: must be an array of numbers: {error}") from None
    if floats and not numbers.is_floating_point():
        raise RunError(f"{name}: must be floating-point numbers, not {numbers.dtype}")
    if numbers.is_floating_point() and not numbers.isfinite().all():
        raise RunError(f"{name}: must be finite numbers")
    return numbers
