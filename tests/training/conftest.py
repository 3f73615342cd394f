"""A small run that trains in a moment, and ways to change it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

SMALL: dict[str, Any] = {
    "name": "small",
    "dataset": {"type": "mnist-5k", "split": "test", "horizontal_flip": True},
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [32]},
    "discriminator": {"type": "mlp", "hidden": [32], "dropout": 0.3},
    "training": {"duration": "40 steps", "batch_size": 16},
    "output": {
        "log_every": "7 steps",
        "samples_every": "20 steps",
        "samples": 9,
        "checkpoint_every": "10 steps",
    },
}


@pytest.fixture
def small(tmp_path: Path) -> dict[str, Any]:
    """Return the data of a small spec whose runs go to a folder of the test."""
    data = copy.deepcopy(SMALL)
    data["output"]["directory"] = str(tmp_path / "runs")
    return data
