"""Small third-party packages, installed for the tests of this folder, and runs that are tiny."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.components import registry
from ganzoo.hookspecs import hookimpl
from ganzoo.plugins import Plugins, installed
from ganzoo.plugins.discovery import Selection
from ganzoo.runs import RunDirectory

PACKAGES = Path(__file__).parent / "packages"
TIMES = {"seconds", "images_per_second"}


@pytest.fixture(scope="module", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugins]:
    """Install the packages as a package manager does in editable mode: metadata, and a path."""
    installed()  # the plugins of the process; those of this folder stay out of it
    site = tmp_path_factory.mktemp("site")
    for folder in sorted(PACKAGES.glob("ganzoo_*")):
        name = folder.name.replace("_", "-")
        metadata = site / f"{folder.name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ganzoo]\n{name} = {folder.name}.plugin\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PACKAGES)
        patch.syspath_prepend(site)
        # It has an algorithm 'cyclegan', as has the small package that shows how one is written.
        plugins = Plugins(Selection(disabled=frozenset({"ganzoo-translation"})))
        plugins.load_core()
        plugins.load_installed()
        with registry.using(plugins.registry):
            yield plugins
    importlib.invalidate_caches()


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    """A spec that trains in a moment, on 48 grey images of 8 by 8 pixels in three classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (48, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(48) % 3)
    return {
        "name": "tiny",
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [16]},
        "discriminator": {"type": "mlp", "hidden": [16]},
        "training": {"duration": "6 steps", "batch_size": 8},
        "output": {
            "directory": str(tmp_path / "runs"),
            "log_every": "1 steps",
            "samples_every": "6 steps",
            "samples": 6,
            "checkpoint_every": "3 steps",
        },
    }


class Kill:
    """Ends training at a logged step without a word, as a kill does: nothing more is saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


def state(run: RunDirectory) -> dict[str, torch.Tensor]:
    """Return the tensors of the newest checkpoint."""
    return load_file(run.checkpoints()[0])


Train = Callable[[dict[str, Any]], ganzoo.Run]
"""``(spec) -> run``: see ``train_and_resume``."""


@pytest.fixture
def train_and_resume() -> Train:
    """Train a run, and train it again with a kill and a resume in it: they are the same run."""

    def train(spec: dict[str, Any]) -> ganzoo.Run:
        whole = ganzoo.run(spec)
        with pytest.raises(KeyboardInterrupt):
            ganzoo.run(spec, listeners=[Kill(4)])
        resumed = ganzoo.resume(whole.path.parent / "tiny-2")
        one, other = state(whole.directory), state(resumed.directory)
        assert one.keys() == other.keys()
        assert [name for name in one if not torch.equal(one[name], other[name])] == []
        lines = [
            [{key: line[key] for key in line if key not in TIMES} for line in run.metrics()]
            for run in (whole, resumed)
        ]
        assert lines[0] == lines[1]
        files = [run.directory.generator_path.read_bytes() for run in (whole, resumed)]
        assert files[0] == files[1]
        assert whole.actions() == resumed.actions()
        return ganzoo.open_run(resumed.path)

    return train
