"""Training on a CUDA device; skipped where there is none."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import Interrupted
from ganzoo.hookspecs import hookimpl

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def on_cuda(small: dict[str, Any]) -> dict[str, Any]:
    network = {"type": "dcgan", "channels": 8, "conditional": True}
    return {**small, "device": "cuda", "generator": network, "discriminator": network}


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_run_trains_and_its_generator_samples_on_both_devices(
    on_cuda: dict[str, Any], precision: str
) -> None:
    on_cuda["training"] = {**on_cuda["training"], "precision": precision}
    on_cuda["regularizers"] = ["r1", "dragan"]
    run = ganzoo.run(on_cuda)
    assert run.metrics()[-1]["step"] == 40
    assert run.sample(4).device.type == "cpu"
    z = torch.randn(4, 8, device="cuda")
    labels = torch.zeros(4, dtype=torch.int64, device="cuda")
    assert run.generator("cuda")(z, labels).isfinite().all()


@pytest.mark.parametrize("loading", ["memory", "workers"])
def test_a_resumed_run_with_deterministic_algorithms_is_the_same(
    on_cuda: dict[str, Any], loading: str
) -> None:
    class Stop:
        @hookimpl
        def ganzoo_step_finished(self, step: int) -> None:
            if step == 14:
                os.kill(os.getpid(), signal.SIGTERM)

    on_cuda["training"] = {**on_cuda["training"], "deterministic": True, "loading": loading}
    whole = ganzoo.run(on_cuda)
    with pytest.raises(Interrupted):
        ganzoo.run(on_cuda, listeners=[Stop()])
    resumed = ganzoo.resume(Path(on_cuda["output"]["directory"]) / "small-2")
    assert (
        resumed.directory.generator_path.read_bytes() == whole.directory.generator_path.read_bytes()
    )
