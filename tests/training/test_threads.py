"""How many threads a run is trained with, and that choosing their number changes nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.builtin.standard_game import StandardGame
from ganzoo.errors import CheckpointWarning, SpecError
from ganzoo.runs import RunDirectory
from ganzoo.training import threads


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let torch offer two threads, and let a short run be worth a choice."""
    monkeypatch.setattr(threads, "WORTHWHILE", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def spec(small: dict[str, Any]) -> dict[str, Any]:
    small["training"] |= {"duration": "6 steps"}
    small["output"] |= {"checkpoint_every": "3 steps"}
    return small


def slow_with(monkeypatch: pytest.MonkeyPatch, count: int) -> list[int]:
    """Let the clock say that steps with so many threads are slow; return how many each step has."""
    used: list[int] = []
    now, step = 0.0, StandardGame.step

    def timed(*arguments: Any) -> Any:
        nonlocal now
        used.append(torch.get_num_threads())
        now += 2.0 if used[-1] == count else 1.0
        return step(*arguments)

    monkeypatch.setattr(StandardGame, "step", timed)
    monkeypatch.setattr(threads, "time", SimpleNamespace(perf_counter=lambda: now))
    return used


def state(run: ganzoo.Run) -> dict[str, torch.Tensor]:
    return load_file(run.directory.checkpoints()[0])


@pytest.mark.parametrize(("slow", "fast"), [(2, 1), (1, 2)])
def test_the_faster_number_is_chosen_recorded_and_used(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, slow: int, fast: int
) -> None:
    used = slow_with(monkeypatch, slow)
    run = ganzoo.run(spec)
    assert run.directory.environment()["threads"] == fast
    assert used[-6:] == [fast] * 6
    assert torch.get_num_threads() == 2  # as before


@pytest.mark.parametrize("loading", ["memory", "workers"])
def test_timing_steps_leaves_no_trace(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, loading: str
) -> None:
    spec["training"]["loading"] = loading
    used = slow_with(monkeypatch, 2)
    timed = ganzoo.run(spec)
    assert len(used) > 6
    used.clear()
    plain = ganzoo.run({**spec, "training": {**spec["training"], "threads": 1}})
    assert used == [1] * 6
    expected = state(plain)
    assert all(torch.equal(value, expected[name]) for name, value in state(timed).items())


@pytest.mark.parametrize(
    "change", [{"threads": 2}, {"deterministic": True}], ids=["a number", "deterministic"]
)
def test_nothing_is_timed_where_the_number_is_settled(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    # Switching it on imports torch's compiler, which takes seconds.
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda wanted: None)
    used = slow_with(monkeypatch, 2)
    spec["training"] |= change
    assert ganzoo.run(spec).directory.environment()["threads"] == 2
    assert used == [2] * 6


def cut_back(run: ganzoo.Run) -> Path:
    """Remove the last checkpoint, as if the run had been killed before it."""
    run.directory.checkpoints()[0].unlink()
    return run.directory.path


def test_a_resumed_run_keeps_its_number(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = slow_with(monkeypatch, 1)
    run = ganzoo.run(spec)
    expected = state(run)
    used.clear()
    torch.set_num_threads(1)  # as with OMP_NUM_THREADS=1
    resumed = ganzoo.resume(cut_back(run))
    assert used == [2] * 3
    assert resumed.directory.environment()["sessions"][0]["threads"] == 2
    assert all(torch.equal(value, expected[name]) for name, value in state(resumed).items())


def test_a_machine_with_fewer_cores_is_warned_of(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_with(monkeypatch, 1)
    path = cut_back(ganzoo.run(spec))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    torch.set_num_threads(1)
    with pytest.warns(CheckpointWarning, match="2 threads, and this machine has fewer cores"):
        ganzoo.resume(path)
    assert RunDirectory.open(path).environment()["sessions"][0]["threads"] == 1


@pytest.mark.parametrize("value", [0, "two", 1.5, True])
def test_other_values_are_refused(spec: dict[str, Any], value: object) -> None:
    spec["training"]["threads"] = value
    with pytest.raises(SpecError, match=r"training\.threads: must be 'auto' or a number"):
        ganzoo.load_spec(spec)
