"""Two small runs that all tests share, and copies of them to spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganzoo
from ganzoo.cli import main

POINTS: dict[str, Any] = {
    "name": "points",
    "description": "Eight modes\non a ring.",
    "dataset": "ring",
    "latent": {"type": "normal", "dim": 2},
    "generator": {"type": "mlp", "hidden": [8], "output_activation": "identity"},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "training": {"duration": "12 steps", "batch_size": 8},
    "evaluation": {"metrics": ["fd"], "samples": 50, "every": "3 steps"},
    "output": {
        "log_every": "2 steps",
        "samples_every": "4 steps",
        "checkpoint_every": "4 steps",
        "samples": 4,
    },
    "device": "cpu",
}


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on points that was evaluated four times."""
    path = tmp_path_factory.mktemp("points") / "points-1"
    ganzoo.run(POINTS, output=path)
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 40 images of 8x8 pixels in colours, not evaluated."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    np.save(folder / "images.npy", rng.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8))
    spec = {
        **{key: POINTS[key] for key in ("latent", "discriminator", "training", "output", "device")},
        "dataset": {"type": "arrays", "path": str(folder / "images.npy")},
        "generator": {"type": "mlp", "hidden": [8]},
        "watchdog": None,
    }
    ganzoo.run(spec, output=folder / "run")
    return folder / "run"


@pytest.fixture
def copied(points: Path, tmp_path: Path) -> Path:
    """A copy of the run on points, without its page."""
    path = Path(shutil.copytree(points, tmp_path / "copied"))
    (path / "report.html").unlink()
    return path


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the program with some arguments, and return its exit code and what it wrote."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        assert isinstance(stop.value.code, int)
        return stop.value.code, *capsys.readouterr()

    return call
