"""Runs in MLflow's own local store, read back."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo import hookimpl
from ganzoo.errors import GanzooWarning
from ganzoo.plugins import installed

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when MLflow is imported
pytest.importorskip("mlflow", reason="MLflow is not installed")

from ganzoo_mlflow import plugin
from ganzoo_mlflow.tracking import TrackedRun
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

SPEC: dict[str, Any] = {
    "name": "small",
    "dataset": "ring",
    "latent": {"type": "normal", "dim": 2},
    "generator": {"type": "mlp", "hidden": [8], "output_activation": "identity"},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "training": {"duration": "12 steps", "batch_size": 8},
    "evaluation": {"metrics": ["fd"], "samples": 50, "every": "6 steps"},
    "output": {
        "log_every": "2 steps",
        "samples_every": "4 steps",
        "checkpoint_every": "4 steps",
        "samples": 4,
    },
    "device": "cpu",
}


class StopAt:
    """Ends training at a step, after the plugin was told of the grid of the step before."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_MLFLOW", "1")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def tracked(run: Path) -> tuple[MlflowClient, Run]:
    place = json.loads((run / "mlflow.json").read_text("utf-8"))
    client = MlflowClient(place["store"])
    return client, client.get_run(place["run"])


def steps(run: Path, name: str) -> list[int]:
    client, kept = tracked(run)
    return [each.step for each in client.get_metric_history(kept.info.run_id, name)]


def test_numbers_images_and_the_spec_are_in_the_store(tmp_path: Path) -> None:
    run = tmp_path / "run"
    ganzoo.run(SPEC, output=run)
    client, kept = tracked(run)
    assert (tmp_path / "mlruns").is_dir(), "beside the run directory"
    assert steps(run, "loss/generator") == [2, 4, 6, 8, 10, 12]
    assert steps(run, "evaluation/fd:identity") == [6, 12]
    history = client.get_metric_history(kept.info.run_id, "score/real")
    expected = [line["score/real"] for line in ganzoo.open_run(run).metrics()]
    assert [each.value for each in history] == expected
    assert kept.info.run_name == "run"
    assert kept.info.status == "FINISHED"
    assert kept.data.params["training.batch_size"] == "8"
    assert kept.data.params["generator.hidden"] == "[8]"
    assert "device" not in kept.data.params
    grids = [each.path for each in client.list_artifacts(kept.info.run_id, "samples")]
    assert grids == [f"samples/step-{step:08d}.png" for step in (0, 4, 8, 12)]
    spec = Path(client.download_artifacts(kept.info.run_id, "spec.json", str(tmp_path)))
    assert json.loads(spec.read_text("utf-8")) == json.loads((run / "spec.json").read_text("utf-8"))


def test_a_resumed_run_goes_on_with_no_step_twice(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(SPEC, output=run, listeners=[StopAt(8)])
    before = (run / "mlflow.json").read_text("utf-8")
    assert tracked(run)[1].info.status == "KILLED"
    ganzoo.resume(run)
    assert (run / "mlflow.json").read_text("utf-8") == before
    assert tracked(run)[1].info.status == "FINISHED"
    assert steps(run, "loss/generator") == [2, 4, 6, 8, 10, 12]


def test_a_failure_warns_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(TrackedRun, "log", fail)
    lenient = replace(installed().selection, strict=False)
    monkeypatch.setattr(installed(), "selection", lenient)
    with pytest.warns(GanzooWarning, match="the disk is full"):
        run = ganzoo.run(SPEC, output=tmp_path / "run")
    assert run.metrics()[-1]["step"] == 12


@pytest.mark.parametrize("value", ["", "0"])
def test_nothing_is_written_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, value)
    ganzoo.run(
        {**SPEC, "training": {"duration": "2 steps"}, "evaluation": None}, output=tmp_path / "run"
    )
    assert not (tmp_path / "run" / "mlflow.json").exists()
    assert {each.name for each in tmp_path.iterdir()} == {"run"}
