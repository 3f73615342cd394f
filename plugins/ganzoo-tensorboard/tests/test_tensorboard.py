"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_tensorboard import plugin
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

import ganzoo
from ganzoo import hookimpl
from ganzoo.runs import RunDirectory

SPEC: dict[str, Any] = {
    "name": "small",
    "description": "A run to look at.",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [16]},
    "discriminator": {"type": "mlp", "hidden": [16]},
    "regularizers": [{"type": "r1", "every": 4}],
    "training": {"duration": "12 steps", "batch_size": 8},
    "output": {
        "log_every": "2 steps",
        "samples_every": "4 steps",
        "checkpoint_every": "4 steps",
        "samples": 4,
    },
    "device": "cpu",
}

EVALUATION: dict[str, Any] = {
    "extractor": {"type": "pixels", "size": 2},
    "metrics": ["fd"],
    "samples": 50,
    "every": "6 steps",
}


class StopAt:
    """Ends training at a step, before the plugin is told of the step: listeners come first."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_TENSORBOARD", "1")


def train(folder: Path, *listeners: object) -> Path:
    path = folder / "run"
    ganzoo.run(SPEC, output=path, listeners=listeners)
    return path


def read(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "tensors": 0})
    return events.Reload()


def hyperparameters(events: EventAccumulator, tag: str) -> HParamsPluginData:
    content = events.summary_metadata[f"_hparams_/{tag}"].plugin_data.content
    return HParamsPluginData.FromString(content)


def steps(events: list[Any]) -> list[int]:
    return [event.step for event in events]


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_written_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("GANZOO_TENSORBOARD", raising=False)
    if value is not None:
        monkeypatch.setenv("GANZOO_TENSORBOARD", value)
    assert not (train(tmp_path) / "tensorboard").exists()


def test_another_value_is_refused_with_those_that_would_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_TENSORBOARD", "logs")
    with pytest.raises(ValueError, match="GANZOO_TENSORBOARD must be 1 or 0, not 'logs'"):
        plugin.ganzoo_run_started(RunDirectory(tmp_path), step=0, total_steps=1)


@pytest.mark.usefixtures("asked")
def test_scalars_are_the_numbers_of_the_metrics_file(tmp_path: Path) -> None:
    run = train(tmp_path)
    events = read(run)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    names = set(lines[0]) - {"step"}
    assert "loss/generator" in names
    assert names <= set(events.Tags()["scalars"])
    for name in names:
        scalars = events.Scalars(name)
        having = [line for line in lines if name in line]  # lazy regularizers are not in all
        assert steps(scalars) == [line["step"] for line in having]
        expected = [line[name] for line in having]
        assert [each.value for each in scalars] == pytest.approx(expected, rel=1e-6)


@pytest.mark.usefixtures("asked")
def test_evaluations_are_scalars_too(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ganzoo.run({**SPEC, "evaluation": EVALUATION}, output=path)
    scalars = read(path).Scalars("evaluation/fd@pixels-2")
    assert steps(scalars) == [6, 12]
    reports = [json.loads(each.read_text()) for each in (path / "evaluation").rglob("*.json")]
    written = {each["subject"]["step"]: each["values"][0]["mean"] for each in reports}
    assert [each.value for each in scalars] == pytest.approx([written[6], written[12]], rel=1e-6)


@pytest.mark.usefixtures("asked")
def test_images_are_the_grids_of_samples(tmp_path: Path) -> None:
    run = train(tmp_path)
    images = read(run).Images("samples")
    assert steps(images) == [0, 4, 8, 12]
    for image in images:
        written = Image.open(io.BytesIO(image.encoded_image_string))
        grid = Image.open(run / "samples" / f"step-{image.step:08d}.png").convert("RGB")
        assert np.array_equal(np.asarray(written), np.asarray(grid))


@pytest.mark.usefixtures("asked")
def test_the_spec_is_there_as_text(tmp_path: Path) -> None:
    run = train(tmp_path)
    (event,) = read(run).Tensors("spec/text_summary")
    (text,) = event.tensor_proto.string_val
    assert json.loads(text) == json.loads((run / "spec.json").read_text())
    assert all(line.startswith("    ") for line in text.decode().splitlines())


@pytest.mark.usefixtures("asked")
def test_hyperparameters_are_fields_of_the_spec(tmp_path: Path) -> None:
    events = read(train(tmp_path))
    start = hyperparameters(events, "session_start_info").session_start_info.hparams
    assert start["training.batch_size"].number_value == 8
    assert start["generator_optimizer.lr"].number_value == 2e-4
    assert start["generator.hidden"].string_value == "[16]"
    assert start["regularizers.0.type"].string_value == "r1"
    assert start["training.deterministic"].string_value == "false"
    assert not {"name", "description", "device", "output.log_every"} & set(start)
    assert hyperparameters(events, "session_end_info").HasField("session_end_info")
    # One would hide the parameters and metrics that only other runs beside it have.
    assert "_hparams_/experiment" not in events.summary_metadata


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("step", [4, 8], ids=["before a checkpoint", "after one"])
def test_a_resumed_run_goes_on_with_no_step_twice(tmp_path: Path, step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, StopAt(step))
    run = tmp_path / "run"
    stopped = read(run)
    assert steps(stopped.Scalars("loss/generator"))[-1] == step - 2
    assert "_hparams_/session_end_info" not in stopped.summary_metadata
    ganzoo.resume(run)
    events = read(run)
    assert steps(events.Scalars("loss/generator")) == [2, 4, 6, 8, 10, 12]
    assert steps(events.Images("samples")) == [0, 4, 8, 12]
    assert steps(events.Tensors("spec/text_summary")) == [0]
    assert "_hparams_/session_end_info" in events.summary_metadata


def test_a_run_may_be_followed_from_its_resumption_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, StopAt(6))
    monkeypatch.setenv("GANZOO_TENSORBOARD", "1")
    ganzoo.resume(tmp_path / "run")
    events = read(tmp_path / "run")
    assert steps(events.Scalars("loss/generator")) == [6, 8, 10, 12]
    assert steps(events.Tensors("spec/text_summary")) == [4]


@pytest.mark.usefixtures("asked")
def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    run = train(tmp_path)
    before = {path.name: path.read_bytes() for path in (run / "tensorboard").iterdir()}
    ganzoo.resume(run)
    assert {path.name: path.read_bytes() for path in (run / "tensorboard").iterdir()} == before


class Killed:
    """Reads what is on disk when a checkpoint has been saved: all that a kill would leave."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    @hookimpl
    def ganzoo_samples_saved(self, run: Any, step: int) -> None:
        if step == 8:
            self.seen = steps(read(run.path).Scalars("loss/generator"))


@pytest.mark.usefixtures("asked")
def test_what_a_checkpoint_holds_is_on_disk(tmp_path: Path) -> None:
    listener = Killed()
    train(tmp_path, listener)
    assert listener.seen[:2] == [2, 4]


def test_the_plugin_imports_neither_torch_nor_tensorboard() -> None:
    code = (
        "import sys, ganzoo_tensorboard.plugin\n"
        "print([name for name in ('torch', 'tensorboard', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
