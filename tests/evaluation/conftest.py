"""One small run that was evaluated while it was trained, for tests that only read it."""

from __future__ import annotations

from typing import Any

import pytest

import ganzoo

SPEC: dict[str, Any] = {
    "name": "evaluated",
    "dataset": "mnist-5k",
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [32]},
    "discriminator": {"type": "mlp", "hidden": [32]},
    "training": {"duration": "40 steps", "batch_size": 32},
    "evaluation": {
        "metrics": ["fd"],
        "extractor": {"type": "pixels", "size": 7},
        "every": "10 steps",
        "samples": 200,
    },
    "output": {"keep_checkpoints": 1, "checkpoint_every": "20 steps", "samples": 4},
    "device": "cpu",
}


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    """The run; its spec is ``SPEC``."""
    return ganzoo.run(SPEC, output=tmp_path_factory.mktemp("evaluated") / "run")
