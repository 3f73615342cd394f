"""The program in this process, and one small finished run to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures import cache_directory, program

import ganzoo

__all__ = ["cache_directory", "program"]

SPEC: dict[str, Any] = {
    "name": "small",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [16]},
    "discriminator": {"type": "mlp", "hidden": [16]},
    "training": {"duration": "20 steps", "batch_size": 8},
    "output": {"log_every": "5 steps", "samples": 4},
    "device": "cpu",
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a small finished run, for tests that only read it."""
    path = tmp_path_factory.mktemp("runs") / "small-1"
    ganzoo.run(SPEC, output=path)
    return path
