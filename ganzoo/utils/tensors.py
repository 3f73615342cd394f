"""Tensors as bytes, and the hash of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from safetensors.torch import save


def to_safetensors(tensors: Mapping[str, torch.Tensor], header: Mapping[str, str]) -> bytes:
    """Serialize tensors from any device and in any memory format."""
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return save(plain, metadata=dict(header))


def weights_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of weights: of their names, shapes, types and numbers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
