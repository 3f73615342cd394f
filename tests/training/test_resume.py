"""A run that was stopped and resumed is the run that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.components import Optimizer, registry
from ganzoo.errors import CheckpointWarning, GanzooWarning, Interrupted, RunError, UsageError
from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.runs.checkpoints import Checkpoint

TIMES = {"seconds", "images_per_second"}

EVERYTHING: dict[str, Any] = {
    "generator": {"type": "dcgan", "channels": 4, "conditional": True},
    "discriminator": {"type": "dcgan", "channels": 4, "conditional": True, "dropout": 0.3},
    "loss": "hinge",
    "regularizers": [{"type": "dragan", "every": 3}],
    "training": {
        "duration": "40 steps",
        "batch_size": 16,
        "loading": "workers",
        "ema": {"decay": 0.9},
    },
    "discriminator_steps": 2,
    "generator_optimizer": {"type": "adam", "lr": {"type": "cosine", "start": 1e-3}},
    "discriminator_optimizer": {
        "type": "sgd",
        "momentum": 0.5,
        "lr": {"type": "warmup", "portion": 0.5, "then": 1e-2},
    },
}
"""EMA, schedules, dropout, flips, labels, lazy penalties that draw noise, and the worker loader."""


class StopAt:
    """Sends the process a signal at a logged step."""

    def __init__(self, step: int, number: int = signal.SIGTERM) -> None:
        self.step, self.number = step, number

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            os.kill(os.getpid(), self.number)


def last_state(run: RunDirectory) -> dict[str, torch.Tensor]:
    return load_file(run.checkpoints()[0])


def lines(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in TIMES} for line in run.metrics()]


def assert_same_run(one: RunDirectory, other: RunDirectory) -> None:
    state, expected = last_state(one), last_state(other)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)
    assert lines(one) == lines(other)
    assert one.generator_path.read_bytes() == other.generator_path.read_bytes()
    grids = [[grid.read_bytes() for grid in run.sample_grids()] for run in (one, other)]
    assert grids[0] == grids[1]


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["mlp", "everything"])
def test_a_stopped_and_resumed_run_is_bit_identical(
    small: dict[str, Any], changes: dict[str, Any]
) -> None:
    spec = {**small, **changes}
    whole = ganzoo.run(spec)
    with pytest.raises(Interrupted) as stopped:
        ganzoo.run(spec, listeners=[StopAt(14)])
    assert stopped.value.exit_code == 143
    path = whole.path.parent / "small-2"
    resumed = ganzoo.resume(path)
    assert resumed.path == path
    assert_same_run(resumed.directory, whole.directory)


KILLED = """
import json, os, signal, sys
import ganzoo

class Kill:
    @ganzoo.hookimpl
    def ganzoo_step_finished(self, step):
        if step == 28:
            os.kill(os.getpid(), signal.SIGKILL)

ganzoo.run(json.loads(sys.argv[1]), output=sys.argv[2], listeners=[Kill()])
"""


def test_a_killed_run_resumes_from_its_last_checkpoint_bit_identically(
    small: dict[str, Any], tmp_path: Path
) -> None:
    spec = {**small, **EVERYTHING}
    whole = ganzoo.run(spec)
    killed = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(spec), str(killed)], check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    run = RunDirectory.open(killed)
    assert run.metrics()[-1]["step"] == 28
    assert run.checkpoints()[0] == run.checkpoint_path(20)
    with run.metrics_path.open("a") as file:
        file.write('{"step": 35, "lo')  # a line that the kill cut off
    assert_same_run(ganzoo.resume(killed).directory, whole.directory)


def test_a_truncated_checkpoint_is_named_and_the_one_before_it_used(small: dict[str, Any]) -> None:
    whole = ganzoo.run(small)
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(21)])
    run = RunDirectory.open(whole.path.parent / "small-2")
    newest = run.checkpoints()[0]
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(CheckpointWarning, match=newest.name):
        resumed = ganzoo.resume(run.path)
    assert_same_run(resumed.directory, whole.directory)


def test_without_a_readable_checkpoint_a_run_starts_again(small: dict[str, Any]) -> None:
    whole = ganzoo.run(small)
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    run = RunDirectory.open(whole.path.parent / "small-2")
    for path in run.checkpoints():
        path.write_bytes(b"no safetensors file")
    with pytest.warns(CheckpointWarning):
        assert_same_run(ganzoo.resume(run.path).directory, whole.directory)
    assert list(run.checkpoints_directory.glob("*.damaged")), "a damaged file is kept"


def test_a_run_that_died_before_its_first_checkpoint_is_resumed(small: dict[str, Any]) -> None:
    class Die:
        @hookimpl
        def ganzoo_samples_saved(self) -> None:
            raise KeyboardInterrupt  # as a Ctrl-C while the first grid is drawn

    whole = ganzoo.run(small)
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(small, listeners=[Die()])
    run = RunDirectory.open(whole.path.parent / "small-2")
    assert not run.checkpoints()
    assert_same_run(ganzoo.resume(run.path).directory, whole.directory)


def test_other_data_are_refused(small: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    np.save(path, np.zeros((64, 2), dtype=np.float32))
    small["dataset"] = {"type": "arrays", "path": str(path)}
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    np.save(path, np.zeros((80, 2), dtype=np.float32))
    with pytest.raises(RunError, match=r"data set has changed .*samples was 64 and is 80"):
        ganzoo.resume(Path(small["output"]["directory"]) / "small-1")


def test_a_qualified_name_is_no_edit(small: dict[str, Any]) -> None:
    """What the message about an ambiguous name advises must not lock the run."""
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    run = RunDirectory.open(Path(small["output"]["directory"]) / "small-1")
    text = run.spec_path.read_text()
    run.spec_path.write_text(text.replace('"type": "mlp"', '"type": "ganzoo-mlp:mlp"', 1))
    assert ganzoo.resume(run.path).metrics()[-1]["step"] == 40


def test_a_checkpoint_from_another_kind_of_device_goes_on_with_a_warning(
    small: dict[str, Any],
) -> None:
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    run = RunDirectory.open(Path(small["output"]["directory"]) / "small-1")
    checkpoint = Checkpoint.load(run.checkpoints()[0])
    checkpoint.values["device"] = "cuda"
    checkpoint.tensors["rng/game"] = torch.zeros(16, dtype=torch.uint8)  # as CUDA's is
    checkpoint.save(run)
    with pytest.warns(CheckpointWarning, match="written on cuda; on cpu the run goes on"):
        assert ganzoo.resume(run.path).metrics()[-1]["step"] == 40


GROUP = """
import json, sys
import ganzoo

class Ready:
    @ganzoo.hookimpl
    def ganzoo_step_finished(self, step):
        print(step, flush=True)

try:
    ganzoo.run(json.loads(sys.argv[1]), output=sys.argv[2], listeners=[Ready()])
except ganzoo.errors.Interrupted as stopped:
    raise SystemExit(stopped.exit_code)
"""


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_sigterm_to_the_whole_process_group_is_survived_by_the_workers(
    small: dict[str, Any], tmp_path: Path
) -> None:
    """Schedulers of clusters stop a job's workers together with it."""
    spec = {**small, **EVERYTHING}
    spec["training"] = {**spec["training"], "duration": "100k steps"}
    command = [sys.executable, "-c", GROUP, json.dumps(spec), str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGTERM)
        process.stdout.read()
    assert process.returncode == 143
    assert RunDirectory.open(tmp_path / "run").checkpoints()


def test_an_edited_spec_is_refused_with_what_was_edited(small: dict[str, Any]) -> None:
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(7)])
    path = Path(small["output"]["directory"]) / "small-1"
    spec_path = path / "spec.json"
    spec_path.write_text(spec_path.read_text().replace('"batch_size": 16', '"batch_size": 8'))
    before = (path / "metrics.jsonl").read_bytes()
    with pytest.raises(RunError, match=r"training\.batch_size was 16 and is 8"):
        ganzoo.resume(path)
    assert (path / "metrics.jsonl").read_bytes() == before


def test_a_finished_run_is_left_as_it_is(small: dict[str, Any]) -> None:
    run = ganzoo.run(small)
    state, logged = last_state(run.directory), run.metrics()
    again = ganzoo.resume(run.path)
    assert again.metrics() == logged
    assert all(
        torch.equal(state[name], value) for name, value in last_state(again.directory).items()
    )


LONGER = {"training.duration": "70 steps"}


def test_a_finished_run_is_made_longer_as_if_it_had_been_from_the_start(
    small: dict[str, Any],
) -> None:
    small["output"]["log_every"] = "10 steps"
    whole = ganzoo.run(small, overrides=LONGER)
    short = ganzoo.run(small)
    longer = ganzoo.resume(short.path, overrides=["training.duration=70 steps"])
    state, expected = (last_state(run.directory) for run in (longer, whole))
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert lines(longer.directory) == lines(whole.directory)
    assert ganzoo.open_run(short.path).spec == longer.spec
    assert str(longer.spec.training.duration) == "70 steps"
    changes = longer.directory.environment()["durations"]
    assert changes == [{"step": 40, "from": "40 steps", "to": "70 steps"}]
    assert ganzoo.resume(short.path).metrics() == longer.metrics()


def test_a_damaged_environment_is_put_aside_where_a_run_is_made_longer(
    small: dict[str, Any],
) -> None:
    path = ganzoo.run(small).directory.environment_path
    path.write_text("half a fi", "utf-8")
    longer = ganzoo.resume(path.parent, overrides=["training.duration=42 steps"])
    assert path.with_name("environment.json.damaged").read_text("utf-8") == "half a fi"
    environment = longer.directory.environment()
    assert environment["seed"] == longer.spec.seed
    assert [each["to"] for each in environment["durations"]] == ["42 steps"]


@pytest.mark.parametrize(("duration", "warns"), [("38 steps", True), ("40 steps", False)])
def test_what_callbacks_saw_at_an_earlier_end_is_warned_of(
    small: dict[str, Any], duration: str, warns: bool
) -> None:
    small["output"] = {**small["output"], "log_every": "4 steps", "checkpoint_every": "4 steps"}
    small["callbacks"] = [{"type": "stop_at", "quantity": "score/real", "above": 1e9}]
    run = ganzoo.run(small, overrides={"training.duration": duration})
    message = "results may differ from those of a run that was longer from the start"
    with pytest.warns(GanzooWarning, match=message) if warns else nullcontext():
        ganzoo.resume(run.path, overrides=["training.duration=44 steps"])


def test_a_stopped_run_is_made_longer_and_resumes_from_older_checkpoints_too(
    small: dict[str, Any],
) -> None:
    small["output"]["keep_checkpoints"] = 4
    whole = ganzoo.run(small, overrides=LONGER)
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    path = whole.path.parent / "small-2"
    with pytest.raises(Interrupted):
        ganzoo.resume(path, overrides=LONGER, listeners=[StopAt(21)])
    run = RunDirectory.open(path)
    run.checkpoint_path(21).write_bytes(b"damaged")
    run.checkpoint_path(20).write_bytes(b"damaged")
    assert run.checkpoint_path(14).exists()  # of the run before it was made longer
    with pytest.warns(CheckpointWarning):
        assert_same_run(ganzoo.resume(path).directory, whole.directory)


@pytest.mark.parametrize(
    ("changes", "overrides", "message"),
    [
        ({}, ["training.duration=39 steps"], "has 40 steps, and this is 39; it can only be longer"),
        ({}, ["seed=3"], "seed: only 'training.duration' and 'dataset' can be changed"),
        ({}, ["training.duration=9 moons"], "expected a duration such as"),
        (
            {"generator_optimizer": {"type": "adam", "lr": {"type": "linear", "start": 1e-3}}},
            ["training.duration=70 steps"],
            "generator_optimizer.lr: the schedule 'linear' depends on the duration",
        ),
        (
            {"callbacks": [{"type": "stop_at", "quantity": "score/real", "above": -1e9}]},
            ["training.duration=70 steps"],
            "was stopped at step 7 before its duration was over",
        ),
    ],
    ids=["shorter", "another field", "not valid", "schedule", "callback"],
)
def test_a_run_is_only_made_longer(
    small: dict[str, Any], changes: dict[str, Any], overrides: list[str], message: str
) -> None:
    run = ganzoo.run({**small, **changes})
    files = (run.directory.spec_path, run.directory.environment_path, run.directory.metrics_path)
    before = [file.read_bytes() for file in files]
    with pytest.raises(UsageError, match=message):
        ganzoo.resume(run.path, overrides=overrides)
    assert [file.read_bytes() for file in files] == before


def test_a_generator_that_a_kill_left_behind_is_not_older_than_the_checkpoint(
    small: dict[str, Any],
) -> None:
    """The generator is written first: no kill can leave a checkpoint with an older one beside it."""
    order: list[str] = []

    class Watch:
        @hookimpl
        def ganzoo_checkpoint_saved(self, run: RunDirectory, path: Path) -> None:
            times = [each.stat().st_mtime_ns for each in (run.generator_path, path)]
            order.append("generator first" if times[0] <= times[1] else "checkpoint first")

    ganzoo.run(small, listeners=[Watch()])
    assert set(order) == {"generator first"}


def test_two_processes_cannot_train_one_run(small: dict[str, Any]) -> None:
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(7)])
    run = RunDirectory.open(Path(small["output"]["directory"]) / "small-1")
    with run.locked(), pytest.raises(RunError, match="another process"):
        ganzoo.resume(run.path)


def test_ctrl_c_finishes_the_step_and_saves_it(small: dict[str, Any]) -> None:
    with pytest.raises(Interrupted) as stopped:
        ganzoo.run(small, listeners=[StopAt(14, signal.SIGINT)])
    assert stopped.value.exit_code == 130
    run = RunDirectory.open(Path(small["output"]["directory"]) / "small-1")
    assert run.checkpoints()[0] == run.checkpoint_path(stopped.value.step)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_works_outside_the_main_thread(small: dict[str, Any]) -> None:
    """Signals belong to the main thread; the thread of a notebook or a server trains all the same."""
    runs: list[ganzoo.Run] = []
    thread = threading.Thread(target=lambda: runs.append(ganzoo.run(small)))
    thread.start()
    thread.join()
    assert runs[0].metrics()[-1]["step"] == 40


def test_a_run_resumes_from_another_working_directory(
    small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "points.npy", np.zeros((64, 2), dtype=np.float32))
    small["dataset"] = {"type": "arrays", "path": "points.npy"}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt(14)])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    resumed = ganzoo.resume(Path(small["output"]["directory"]) / "small-1")
    assert resumed.metrics()[-1]["step"] == 40


class Momentum(torch.optim.Optimizer):
    """An optimizer as third parties write them: a plain number in its state, a tensor, nothing fused."""

    def __init__(self, parameters: list[torch.nn.Parameter]) -> None:
        super().__init__(parameters, {"lr": 0.1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # no closure here
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["count"] = state.get("count", 0) + 1
                mean = state.setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 / state["count"])
                parameter.sub_(mean, alpha=group["lr"])


class MomentumSpec(Optimizer):
    """A plain optimizer."""

    type: Literal["plain"] = "plain"

    def build(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return Momentum(parameters)


def test_an_optimizer_with_plain_numbers_in_its_state_resumes_exactly(
    small: dict[str, Any],
) -> None:
    mine = registry.Registry()
    for entry in registry.active().entries():
        mine.add(entry)
    mine.add(registry.Entry("optimizer", "plain", MomentumSpec, registry.Provider("tests", "1")))
    small["generator_optimizer"] = {"type": "plain", "lr": 1e-3}
    with registry.using(mine):
        whole = ganzoo.run(small)
        with pytest.raises(Interrupted):
            ganzoo.run(small, listeners=[StopAt(14)])
        resumed = ganzoo.resume(whole.path.parent / "small-2")
    assert_same_run(resumed.directory, whole.directory)
