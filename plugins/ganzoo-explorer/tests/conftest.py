"""A small finished run, and the page of it on a free port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures import cache_directory, program
from ganzoo_explorer.model import Explorer
from ganzoo_explorer.server import Server

import ganzoo

__all__ = ["cache_directory", "program"]

SPEC: dict[str, Any] = {
    "name": "small",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [16], "conditional": True},
    "discriminator": {"type": "mlp", "hidden": [16], "conditional": True},
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


@pytest.fixture(scope="session")
def served(finished: Path) -> Iterator[Server]:
    """The page of the run, served on a free port."""
    with Server(Explorer(ganzoo.open_run(finished)), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
