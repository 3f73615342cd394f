"""What extractors share: checks of samples, and reading weights without running anything in a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import DataError

if TYPE_CHECKING:
    import torch


def check_images(name: str, sample_shape: tuple[int, ...], *, any_channels: bool = False) -> None:
    """Raise ``ValueError`` for samples that are not images, or do not have 1 or 3 channels."""
    if len(sample_shape) != 3:
        raise ValueError(
            f"extractor {name!r} reads images, not samples of shape {sample_shape}; choose 'identity'"
            " for these"
        )
    if sample_shape[0] not in {1, 3} and not any_channels:
        channels = sample_shape[0]
        raise ValueError(f"extractor {name!r} reads images of 1 or 3 channels, not of {channels}")


def load_tensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors in a file of ``torch.save``, by name; refuse anything but finite ones."""
    import torch

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises anything on a damaged file
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{path} is not a state dict of plain tensors, or is damaged; nothing in it was run"
            f" ({reason})"
        ) from None
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise DataError(f"{path} is not a state dict: it must hold tensors by name, nothing else")
    for name, values in state.items():
        if not torch.isfinite(values).all():
            raise DataError(f"{path} has weights that are not finite, in {name!r}; use others")
    return state


def mismatch(path: Path, network: str, error: Exception) -> DataError:
    """Return the error for a file whose tensors ``load_state_dict`` refuses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[min(1, len(lines) - 1)][:200]
    return DataError(f"{path} does not hold the weights of {network} ({reason})")
