"""What resume does with a run that was moved, edited, damaged or killed at an odd moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.errors import (
    CheckpointWarning,
    DataError,
    GanzooWarning,
    Interrupted,
    RunError,
    SpecError,
    UsageError,
)
from ganzoo.hookspecs import hookimpl
from ganzoo.plugins import installed
from ganzoo.runs import RunDirectory


class Stop:
    """Sends the process a signal at step 14."""

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == 14:
            os.kill(os.getpid(), signal.SIGTERM)


def lines(run: RunDirectory) -> list[dict[str, Any]]:
    times = {"seconds", "images_per_second"}
    return [{key: line[key] for key in line if key not in times} for line in run.metrics()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a whole run and the same run stopped after step 14, in 25."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    np.save(folder / "points.npy", rng.normal(size=(64, 2)).astype(np.float32))
    spec = {
        "dataset": {"type": "arrays", "path": str(folder / "points.npy")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [8]},
        "discriminator": {"type": "mlp", "hidden": [8], "dropout": 0.3},
        "training": {"duration": "25 steps", "batch_size": 16},
        "output": {"log_every": "7 steps", "samples": 4, "checkpoint_every": "10 steps"},
        "device": "cpu",
    }
    ganzoo.run(spec, output=folder / "whole")
    with pytest.raises(Interrupted):
        ganzoo.run(spec, output=folder / "stopped", listeners=[Stop()])
    return folder


@pytest.fixture
def whole(runs: Path, tmp_path: Path) -> RunDirectory:
    return RunDirectory.open(shutil.copytree(runs / "whole", tmp_path / "whole"))


@pytest.fixture
def stopped(runs: Path, tmp_path: Path) -> RunDirectory:
    return RunDirectory.open(shutil.copytree(runs / "stopped", tmp_path / "stopped"))


def moved(runs: Path, folder: Path, change: float = 0.0) -> Path:
    """Copy the data, with another number in one of them."""
    data = np.load(runs / "points.npy")
    data[17, 1] += np.float32(change)
    np.save(folder / "moved.npy", data)
    return folder / "moved.npy"


# The data.


def test_moved_data_are_the_same_data(
    runs: Path, stopped: RunDirectory, whole: RunDirectory, tmp_path: Path
) -> None:
    new = moved(runs, tmp_path)
    resumed = ganzoo.resume(stopped.path, overrides=[f"dataset.path={new}"])
    assert lines(resumed.directory) == lines(whole)
    assert torch.equal(resumed.sample(4), ganzoo.open_run(whole.path).sample(4))
    assert json.loads(stopped.spec_path.read_text())["dataset"]["path"] == str(new)


def test_missing_data_are_asked_for(stopped: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere\.npy.*moved, resume with --set dataset\.path=NEW"
    ):
        ganzoo.resume(stopped.path, overrides=[f"dataset.path={tmp_path / 'nowhere.npy'}"])


def test_a_path_may_be_changed_in_the_spec(
    runs: Path, stopped: RunDirectory, whole: RunDirectory, tmp_path: Path
) -> None:
    data = json.loads(stopped.spec_path.read_text())
    data["dataset"]["path"] = str(moved(runs, tmp_path))
    stopped.spec_path.write_text(json.dumps(data))
    assert lines(ganzoo.resume(stopped.path).directory) == lines(whole)


def test_changed_data_are_refused(runs: Path, stopped: RunDirectory, tmp_path: Path) -> None:
    new, before = moved(runs, tmp_path, change=1e-3), stopped.spec_path.read_bytes()
    with pytest.raises(RunError, match=r"data set has changed .*its content is not the same"):
        ganzoo.resume(stopped.path, overrides=[f"dataset.path={new}"])
    assert stopped.spec_path.read_bytes() == before


def test_nothing_else_can_be_changed(stopped: RunDirectory) -> None:
    with pytest.raises(
        SpecError,
        match=r"training\.batch_size: only 'training.duration' and 'dataset' can be changed",
    ):
        ganzoo.resume(stopped.path, overrides=["training.batch_size=8"])


# Files that are damaged or missing.


def test_a_flipped_bit_in_a_checkpoint_goes_back_to_the_one_before(
    stopped: RunDirectory, whole: RunDirectory
) -> None:
    newest = stopped.checkpoints()[0]
    content = bytearray(newest.read_bytes())
    content[-5] ^= 1
    newest.write_bytes(content)
    with pytest.warns(CheckpointWarning, match=rf"{newest.name} is damaged.*one before it is used"):
        resumed = ganzoo.resume(stopped.path)
    assert lines(stopped) == lines(whole)
    assert torch.equal(resumed.sample(4), ganzoo.open_run(whole.path).sample(4))
    assert newest.with_name(f"{newest.name}.damaged").read_bytes() == content


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda text: text[: text.index(b"\n") + 1],
    "changed": lambda text: text.replace(b'"step": 7', b'"step": 6'),
    "a line in the middle": lambda text: text.replace(b"\n", b"\nnonsense\n", 1),
    "binary": lambda text: b"\xff\x00\xfe\n" + text,
    "deep": lambda text: b"[" * 100_000 + b"\n" + text,
    "odd types": lambda text: b'[1]\n{"step": "x"}\n{"step": 1, "loss/d": {}}\n' + text,
    "no file": lambda text: b"",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_log_is_repaired_and_kept(
    kind: str, stopped: RunDirectory, whole: RunDirectory
) -> None:
    path = stopped.metrics_path
    content = DAMAGES[kind](path.read_bytes())
    path.write_bytes(content)
    with pytest.warns(CheckpointWarning, match=r"metrics\.jsonl is not what was logged"):
        ganzoo.resume(stopped.path)
    assert path.with_name("metrics.jsonl.damaged").read_bytes() == content
    steps = [line["step"] for line in stopped.metrics()]
    assert steps == sorted(set(steps))
    assert steps[-2:] == [21, 25]
    if kind not in {"cut", "changed", "no file"}:
        assert lines(stopped) == lines(whole)


def test_a_missing_log_is_warned_of(stopped: RunDirectory) -> None:
    stopped.metrics_path.unlink()
    with pytest.warns(CheckpointWarning, match=r"metrics\.jsonl is not what was logged"):
        assert [line["step"] for line in ganzoo.resume(stopped.path).metrics()] == [21, 25]


def test_a_doubled_log_is_repaired(stopped: RunDirectory, whole: RunDirectory) -> None:
    stopped.metrics_path.write_bytes(stopped.metrics_path.read_bytes() * 2)
    assert lines(ganzoo.resume(stopped.path).directory) == lines(whole)


@pytest.mark.parametrize(
    "content", [None, b"", b"[1, 2]", b"{", b'{"providers": 3, "sessions": 1}']
)
def test_a_run_does_without_its_environment(stopped: RunDirectory, content: bytes | None) -> None:
    stopped.environment_path.unlink()
    if content is not None:
        stopped.environment_path.write_bytes(content)
    ganzoo.resume(stopped.path)
    assert "Training had taken" not in stopped.readme_path.read_text()
    assert stopped.environment()["providers"] or stopped.environment()["sessions"]


def test_missing_folders_are_made(stopped: RunDirectory, whole: RunDirectory) -> None:
    for folder in (stopped.samples_directory, stopped.evaluation_directory):
        shutil.rmtree(folder)
    (stopped.path / ".generator.safetensors.0.tmp").touch()
    assert lines(ganzoo.resume(stopped.path).directory) == lines(whole)
    assert stopped.sample_grids()
    assert not list(stopped.path.glob(".*.tmp"))


def test_what_a_kill_after_the_last_checkpoint_left_out_is_done(
    runs: Path, whole: RunDirectory
) -> None:
    card = whole.readme_path.read_text().replace(str(runs / "whole"), str(whole.path))
    whole.readme_path.write_text("Training had taken 0 of 25 steps when this was written.")
    whole.losses_path.unlink()
    surplus = whole.checkpoint_path(10)
    shutil.copy(whole.checkpoints()[0], surplus)
    ganzoo.resume(whole.path)
    assert whole.readme_path.read_text() == card
    assert whole.losses_path.exists()
    assert not surplus.exists()
    whole.readme_path.write_text("what I think of this run")
    ganzoo.resume(whole.path)
    assert whole.readme_path.read_text() == "what I think of this run"


# Safety.


@pytest.mark.parametrize("name", ["checkpoints", "samples", "evaluation", "metrics.jsonl", ".lock"])
def test_nothing_is_changed_through_a_link(
    name: str, stopped: RunDirectory, tmp_path: Path
) -> None:
    outside, part = tmp_path / "outside", stopped.path / name
    outside.mkdir()
    if part.exists():
        part.rename(outside / name)
    else:
        (outside / name).write_text("mine")
    part.symlink_to(outside / name)
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    with pytest.raises(RunError, match=rf"{name}: is a link"):
        ganzoo.resume(stopped.path)
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before


def test_links_in_place_of_pictures_are_replaced(stopped: RunDirectory, tmp_path: Path) -> None:
    mine = tmp_path / "mine.png"
    mine.write_text("mine")
    for path in (stopped.losses_path, stopped.readme_path, stopped.generator_path):
        path.unlink(missing_ok=True)
        path.symlink_to(mine)
    ganzoo.resume(stopped.path)
    assert mine.read_text() == "mine"
    assert not stopped.losses_path.is_symlink()


@pytest.mark.parametrize(
    ("launcher", "variable"),
    [
        ("torchrun", "WORLD_SIZE"),
        ("mpirun", "OMPI_COMM_WORLD_SIZE"),
        ("srun", "SLURM_STEP_NUM_TASKS"),
    ],
)
def test_several_processes_do_not_train_one_run_each(
    launcher: str,
    variable: str,
    stopped: RunDirectory,
    small: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, "2")
    words = f"takes one process, and {launcher} started 2"
    with pytest.raises(UsageError, match=words):
        ganzoo.run(small)
    with pytest.raises(UsageError, match=words):
        ganzoo.resume(stopped.path)
    assert not Path(small["output"]["directory"]).exists()


# Plugins.


def test_another_version_of_a_plugin_is_warned_of_and_recorded(stopped: RunDirectory) -> None:
    text = stopped.environment_path.read_text()
    here = json.loads(text)["providers"]["generator"]["version"]
    older = json.loads(text)
    older["providers"]["generator"]["version"] = "0.0.9"
    stopped.environment_path.write_text(json.dumps(older))
    words = rf"trained with ganzoo-mlp 0\.0\.9, but {here} is installed"
    with pytest.warns(GanzooWarning, match=words):
        ganzoo.open_run(stopped.path).sample(1)
    with pytest.warns(GanzooWarning, match=words):
        ganzoo.resume(stopped.path)
    after = stopped.environment()
    assert after["providers"]["generator"]["version"] == "0.0.9"
    assert [each["step"] for each in after["sessions"]] == [14]
    assert after["sessions"][0]["providers"]["generator"]["version"] == here
    ganzoo.open_run(stopped.path).sample(1)  # without a warning: it was trained on with this one


def test_a_plugin_that_is_gone_is_named(stopped: RunDirectory) -> None:
    for path in (stopped.environment_path, stopped.spec_path):
        text = path.read_text().replace('"mlp"', '"bend"')
        path.write_text(text.replace("ganzoo-mlp", "acme-gan"))
    with pytest.raises(RunError, match=r"generator came from acme-gan \S+, which is not installed"):
        ganzoo.resume(stopped.path)


class Listening:
    """Counts the steps that are announced."""

    @hookimpl
    def ganzoo_step_finished(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_listener_that_cannot_write_does_not_end_training(
    stopped: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lenient = replace(installed().selection, strict=False)
    monkeypatch.setattr(installed(), "selection", lenient)
    with pytest.warns(GanzooWarning, match="Input/output error"):
        assert ganzoo.resume(stopped.path, listeners=[Listening()]).metrics()[-1]["step"] == 25
