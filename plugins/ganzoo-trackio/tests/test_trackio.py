"""Runs in Trackio's own local store, read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import ganzoo
from ganzoo import hookimpl
from ganzoo.errors import GanzooWarning
from ganzoo.plugins import installed

pytest.importorskip("trackio", reason="Trackio is not installed")

from ganzoo_trackio import plugin
from ganzoo_trackio.tracking import PROJECT, TrackedRun
from trackio.sqlite_storage import SQLiteStorage
from trackio.utils import TRACKIO_DIR

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

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
    monkeypatch.setenv("GANZOO_TRACKIO", "1")


def logged(run: Path) -> list[dict[str, Any]]:
    name = json.loads((run / "trackio.json").read_text("utf-8"))["run"]
    lines: list[dict[str, Any]] = SQLiteStorage.get_logs(PROJECT, name)
    return lines


def steps(run: Path, name: str) -> list[int]:
    return [line["step"] for line in logged(run) if name in line]


def test_numbers_images_and_the_spec_are_in_the_store(tmp_path: Path, capsys) -> None:
    run = tmp_path / "run"
    ganzoo.run(SPEC, output=run)
    assert steps(run, "loss/generator") == [2, 4, 6, 8, 10, 12]
    assert steps(run, "evaluation/fd@identity") == [6, 12]
    written = ganzoo.open_run(run).metrics()
    kept = [line["score/real"] for line in logged(run) if "score/real" in line]
    assert kept == [line["score/real"] for line in written]
    images = [line["samples"]["file_path"] for line in logged(run) if "samples" in line]
    assert steps(run, "samples") == [0, 4, 8, 12]
    (picture,) = TRACKIO_DIR.rglob(Path(images[-1]).name)
    grid = Image.open(run / "samples" / "step-00000012.png").convert("RGB")
    assert Image.open(picture).convert("RGB").tobytes() == grid.tobytes()
    name = json.loads((run / "trackio.json").read_text("utf-8"))["run"]
    assert name.startswith("run-")
    configuration = SQLiteStorage.get_run_config(PROJECT, name)
    assert configuration["training"]["batch_size"] == 8
    assert capsys.readouterr().out == "", "standard output is for results"


def test_a_resumed_run_goes_on_with_no_step_twice(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(SPEC, output=run, listeners=[StopAt(8)])
    before = (run / "trackio.json").read_text("utf-8")
    assert steps(run, "loss/generator") == [2, 4, 6]
    ganzoo.resume(run)
    assert (run / "trackio.json").read_text("utf-8") == before
    assert steps(run, "loss/generator") == [2, 4, 6, 8, 10, 12]
    assert steps(run, "samples") == [0, 4, 8, 12]


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
    assert not (tmp_path / "run" / "trackio.json").exists()
    assert {each.name for each in tmp_path.iterdir()} == {"run"}
