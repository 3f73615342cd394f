"""From bytes to tensors, running nothing that is in them."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from ganzoo.errors import DataError


def load_tensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict as ``torch.save`` wrote it.

    Args:
        content: bytes of the file.
        path: the file, for messages.

    Returns:
        Tensors on the CPU, by name.

    Raises:
        DataError: the bytes are damaged, or hold anything but finite tensors by name.
    """
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files make the reader raise what it will
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{path} is not a state dict of plain tensors, or is damaged; nothing in it was run"
            f" ({reason})"
        ) from None
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise DataError(f"{path} is not a state dict: it must hold tensors by name, nothing else")
    for name, values in state.items():
        if not torch.isfinite(values).all():
            raise DataError(f"{path} has weights that are not finite, in {name!r}; take others")
    return state


def mismatch(path: Path, network: str, error: Exception) -> DataError:
    """Return what to say where ``load_state_dict`` refuses the tensors of a file."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[min(1, len(lines) - 1)][:200]
    return DataError(f"{path} does not hold the weights of {network} ({reason})")
