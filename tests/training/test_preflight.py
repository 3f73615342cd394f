"""A preflight measures the parts of a run; where memory runs out, an error says what fits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo import api
from ganzoo.data.batches import Batches
from ganzoo.errors import DataError, DeviceError, SpecError
from ganzoo.training import Adversary
from ganzoo.training import preflight as module
from ganzoo.training.evaluate import TrainingEvaluator
from ganzoo.training.game import TrainingContext
from ganzoo.training.setup import Plan
from ganzoo.utils.progress import report

EVALUATION = {
    "metrics": ["fd"],
    "extractor": {"type": "pixels", "size": 7},
    "samples": 32,
    "every": "15 steps",
}


@pytest.fixture
def evaluated(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A small spec with evaluations, whose steps are timed for a moment only."""
    monkeypatch.setattr(module, "SECONDS", 0.05)
    return {**small, "device": "cpu", "evaluation": EVALUATION}


def test_a_preflight_knows_what_the_run_then_leaves(
    evaluated: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = ganzoo.load_spec(evaluated)
    found = api.preflight(spec)
    assert not list(tmp_path.iterdir())

    run = ganzoo.run(spec)
    assert found.steps == run.metrics()[-1]["step"] == 40
    grids = run.directory.sample_grids()
    assert found.times["samples"] == len(grids) - 1
    assert found.times["evaluations"] == len(run.directory.training_reports()) == 3
    assert found.disk["samples"] == pytest.approx(
        sum(each.stat().st_size for each in grids), rel=0.5
    )
    kept = sum(each.stat().st_size for each in run.directory.checkpoints())
    best_is_new = len(run.directory.checkpoints()) == 2
    assert found.disk["checkpoints"] == pytest.approx(kept * 1.5 if best_is_new else kept, rel=0.05)
    assert found.parameters == {
        "generator": sum(each.numel() for each in run.generator().parameters()),
        "discriminator": 784 * 32 + 32 + 32 + 1,
    }
    assert (found.device, found.batch_size, found.accumulation) == ("cpu", 16, 1)
    assert found.images_per_second == pytest.approx(16 / found.step_seconds)
    assert found.to_json()["total_seconds"] == pytest.approx(sum(found.seconds.values()))
    if found.memory is not None and found.memory_available is not None:
        assert 2**26 < found.memory < found.memory_available


def test_how_often_things_happen_in_a_run_of_any_length() -> None:
    plan = Plan(total=10**15, log=1, samples=7, checkpoint=6, evaluation=4, epoch=1.0, images=1.0)
    assert module._times(plan) == {
        "evaluations": 10**15 // 4,
        "checkpoints": 10**15 // 4 + 10**15 // 6 + 1 - (10**15 // 12 + 1),
        "samples": 10**15 // 7 + 1,
    }


def test_the_time_is_that_of_the_parts_as_often_as_they_happen(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = TrainingContext.split

    def slow(self: TrainingContext, batch: Any) -> Any:
        time.sleep(0.01)
        return step(self, batch)

    monkeypatch.setattr(TrainingContext, "split", slow)
    found = api.preflight(ganzoo.load_spec(evaluated))
    assert found.step_seconds >= 0.01
    assert found.seconds["training"] >= 40 * found.step_seconds
    again = {**evaluated, "training": {**evaluated["training"], "duration": "4000 steps"}}
    longer = api.preflight(ganzoo.load_spec(again))
    assert longer.times == {"evaluations": 267, "checkpoints": 533, "samples": 200}
    assert longer.seconds["training"] > 40
    assert any(each.startswith("device: ") for each in longer.advice)


def test_what_takes_a_large_part_of_the_time_is_named(evaluated: dict[str, Any]) -> None:
    often = {**evaluated, "evaluation": {**EVALUATION, "every": "1 steps"}}
    advice = api.preflight(ganzoo.load_spec(often)).advice
    assert "of the time: raise evaluation.every, or lower evaluation.samples" in advice[0]


def test_a_long_evaluation_is_broken_off_and_estimated(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        for done in (0, 1, 2):
            report(module.GENERATED, done, 10)
            time.sleep(0.1)
        raise AssertionError("it should have been broken off")

    monkeypatch.setattr(module, "PATIENCE", 0.15)
    monkeypatch.setattr("ganzoo.training.evaluate.TrainingEvaluator.evaluate", slow)
    found = api.preflight(ganzoo.load_spec(evaluated))
    # Each takes 10 times 0.1 s, the real samples of the split of 1,000 in addition 100 s, once.
    assert found.seconds["evaluations"] == pytest.approx(103, rel=0.3)


def test_real_samples_of_a_slow_evaluation_count_once(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = TrainingEvaluator.evaluate

    def slow(*arguments: Any) -> Any:
        result = evaluate(*arguments)
        for description, seconds in ((module.GENERATED, 0.05), ("extracting real ones", 0.3)):
            for done in (0, 16, 32):
                report(description, done, 32)
                time.sleep(seconds if done < 32 else 0)
        return result

    monkeypatch.setattr(module, "PATIENCE", 1.4)
    monkeypatch.setattr(TrainingEvaluator, "evaluate", slow)
    found = api.preflight(ganzoo.load_spec(evaluated))
    # Three evaluations of 0.1 s, and once 0.6 s for real samples; 2.1 s if those counted each time.
    assert 0.9 <= found.seconds["evaluations"] < 2.05


@pytest.mark.parametrize("duration", ["1 steps", "2 steps", "3 steps"])
def test_the_shortest_runs_can_be_measured(evaluated: dict[str, Any], duration: str) -> None:
    short = {**evaluated, "evaluation": None, "training": {"duration": duration, "batch_size": 4}}
    found = api.preflight(ganzoo.load_spec(short))
    assert found.steps == int(duration[0])
    assert found.step_seconds > 0
    assert set(found.step_parts) <= {"data", "generator", "discriminator", "optimizers", "other"}
    assert found.seconds["evaluations"] == 0


def test_the_parts_of_a_step_are_told_apart(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(method: Any, seconds: float) -> Any:
        def slower(*arguments: Any, **named: Any) -> Any:
            time.sleep(seconds)
            return method(*arguments, **named)

        return slower

    monkeypatch.setattr(Batches, "next", slow(Batches.next, 0.03))
    monkeypatch.setattr(Adversary, "generator_loss", slow(Adversary.generator_loss, 0.09))
    parts = api.preflight(ganzoo.load_spec(evaluated)).step_parts
    assert sum(parts.values()) == pytest.approx(1)
    assert parts["generator"] > 1.5 * parts["data"] > 1.5 * parts["discriminator"]


def test_a_run_that_cannot_begin_is_refused(evaluated: dict[str, Any]) -> None:
    large = {**evaluated, "training": {"batch_size": 5000}}
    with pytest.raises(DataError, match="5000"):
        api.preflight(ganzoo.load_spec(large))


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let memory run out where more samples than a number are taken at once."""
    split = TrainingContext.split

    def limit(most: int, error: Exception) -> None:
        def checked(self: TrainingContext, batch: Any) -> Any:
            parts = split(self, batch)
            if any(len(part) > most for part, _ in parts):
                raise error
            return parts

        monkeypatch.setattr(TrainingContext, "split", checked)

    return limit


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
@pytest.mark.parametrize("work", [api.run, api.preflight])
def test_where_memory_runs_out_the_error_names_what_fits(
    evaluated: dict[str, Any], room_for: Any, error: Exception, work: Any
) -> None:
    room_for(5, error)
    with pytest.raises(SpecError) as caught:
        work(ganzoo.load_spec(evaluated))
    assert str(caught.value) == (
        "training.batch_size: batches of 16 need more memory than cpu has; batch_size 4 fits, or"
        " accumulation 4, which takes 16 in parts of 4"
    )


def test_where_nothing_fits_the_error_says_so(evaluated: dict[str, Any], room_for: Any) -> None:
    room_for(0, MemoryError())
    with pytest.raises(SpecError, match="so do smaller ones"):
        api.preflight(ganzoo.load_spec(evaluated))


def test_where_steps_fit_something_else_took_the_memory(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ganzoo.training.evaluate.TrainingEvaluator.evaluate", full)
    with pytest.raises(DeviceError, match=r"though batches of 16 fit: .* evaluation\.samples"):
        api.preflight(ganzoo.load_spec(evaluated))


def test_other_errors_pass(evaluated: dict[str, Any], room_for: Any) -> None:
    room_for(5, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        api.run(ganzoo.load_spec(evaluated))
