"""A small trained run, shared by all tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import program

import ganzoo
from ganzoo import Run

__all__ = ["program"]

SPEC: dict[str, Any] = {
    "name": "tiny",
    "seed": 3,
    "latent": {"type": "normal", "dim": 4},
    "training": {"duration": "4 steps", "batch_size": 8},
    "output": {"samples": 4},
    "watchdog": None,
    "device": "cpu",
}


def trained(folder: Path, name: str, **changes: Any) -> Run:
    """Train a run for a few steps."""
    return ganzoo.run({**SPEC, **changes}, output=folder / name)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coloured images of 8x8 pixels in two classes."""
    path = tmp_path_factory.mktemp("private") / "pixels.npz"
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (32, 3, 8, 8), dtype=np.uint8)
    np.savez(path, x=x, y=np.arange(32) % 2)
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Run:
    """A conditional run that was evaluated."""
    return trained(
        tmp_path_factory.mktemp("runs"),
        "tiny",
        dataset={"type": "arrays", "path": str(data)},
        generator={"type": "mlp", "hidden": [8], "conditional": True},
        discriminator={"type": "mlp", "hidden": [8], "conditional": True},
        training={"duration": "4 steps", "batch_size": 8, "ema": {"decay": 0.9}},
        evaluation={"metrics": ["fd"], "extractor": "pixels", "every": "2 steps", "samples": 16},
    )
