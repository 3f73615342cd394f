"""Tensors as bytes, the hash of weights, and tensors from what users pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ganzoo.errors import CheckpointError, RunError, in_a_line
from ganzoo.utils.hashing import content_hash


def to_safetensors(tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]) -> bytes:
    """Serialize tensors from any device and in any memory format, JSON, and the hash of both."""
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    sha256 = weights_hash(plain, json.dumps(header))
    # One entry: safetensors writes several in an order that is not the same each time.
    return save(plain, metadata={"ganzoo": json.dumps({"sha256": sha256, **header})})


def read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the JSON and the tensors that ``to_safetensors`` wrote.

    Raises:
        CheckpointError: the file cannot be read, is not one of ganzoo's, or is not what was written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            header = json.loads((file.metadata() or {})["ganzoo"])
        sha256 = header.pop("sha256", None)  # files of ganzoo 0.2 and earlier have none
        if sha256 not in {None, weights_hash(tensors, json.dumps(header))}:
            raise CheckpointError(f"{path} is damaged: its content is not what was written")
        return header, tensors
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from None
    except (
        SafetensorError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise CheckpointError(f"{path} is damaged: {in_a_line(error)}") from None


def tensors_under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Return the tensors whose names begin with a prefix and a slash, by what follows."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def weights_hash(tensors: Mapping[str, torch.Tensor], text: str = "") -> str:
    """Return the SHA-256 of weights: of their names, shapes, types and numbers, and of a text."""
    parts: list[tuple[str, Any]] = [(text, b"")]
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        what = repr((name, tuple(tensor.shape), str(tensor.dtype)))
        parts.append((what, tensor.view(-1).view(torch.uint8).numpy()))
    return content_hash(parts)


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
