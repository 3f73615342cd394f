"""A tiny study, and the program in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganzoo.cli import main


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the program with some arguments; return its exit code, output and messages."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, out, err

    return call


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Return a study that trains in well under a second a run."""
    return {
        "name": "tiny",
        "description": "Does a slower discriminator help?",
        "spec": {
            "dataset": {"type": "ring", "count": 64},
            "latent": {"type": "normal", "dim": 2},
            "generator": {"type": "mlp", "hidden": [8], "output_activation": "identity"},
            "discriminator": {"type": "mlp", "hidden": [8]},
            "training": {"duration": "6 steps", "batch_size": 8},
            "evaluation": {"metrics": ["fd"], "every": "3 steps", "samples": 32},
            "output": {"log_every": "2 steps"},
        },
        "variants": {"equal": {}, "slow": {"discriminator_optimizer.lr": 1e-5}},
        "seeds": 2,
    }


@pytest.fixture
def written(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Write a study, and return its file."""

    def write(data: dict[str, Any]) -> Path:
        path = tmp_path / "study.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    return write
