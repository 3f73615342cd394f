"""Small runs of both algorithms, and the program in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import program
from PIL import Image

import ganzoo

__all__ = ["program"]


def picture(seed: int, width: int = 24, height: int = 16, mode: str = "RGB") -> Image.Image:
    """Return a picture of large soft spots, no two seeds alike."""
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def trained(folder: Path, *, grey: bool = False, **fields: Any) -> ganzoo.Run:
    """Train on 8 pairs of 16 by 16 pixels for a step."""
    shape = (2, 8, 16, 16) if grey else (2, 8, 16, 16, 3)
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    np.savez(folder / "pairs.npz", images=images[0], source=images[1])
    spec = {
        "algorithm": "pix2pix",
        "dataset": {"type": "arrays", "path": str(folder / "pairs.npz")},
        "generator": {"type": "unet", "channels": 2, "depth": 2},
        "discriminator": {"type": "patchgan", "channels": 2},
        "training": {"duration": "1 step", "batch_size": 4},
        "output": {"samples": 6, "directory": str(folder / "runs")},
        "device": "cpu",
        **fields,
    }
    return ganzoo.run(spec)


@pytest.fixture(scope="session")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run for images in colour."""
    return trained(tmp_path_factory.mktemp("coloured")).path


@pytest.fixture(scope="session")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run for grey images."""
    return trained(tmp_path_factory.mktemp("grey"), grey=True).path
