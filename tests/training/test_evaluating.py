"""Evaluation while a run is trained: the best checkpoint, patience, and training undisturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.components import Metric, MetricFn, MetricResult
from ganzoo.errors import SpecError
from ganzoo.hookspecs import hookimpl
from ganzoo.runs.history import History
from ganzoo.spec import parse_spec
from ganzoo.training import evaluate

SPEC: dict[str, Any] = {
    "dataset": "mnist-5k",
    "latent": {"type": "normal", "dim": 8},
    "generator": {"type": "mlp", "hidden": [16], "conditional": True},
    "discriminator": {"type": "mlp", "hidden": [16], "conditional": True},
    "training": {"duration": "60 steps", "batch_size": 16},
    "evaluation": {
        "metrics": ["fd"],
        "extractor": {"type": "pixels", "size": 7},
        "every": "10 steps",
        "samples": 130,
    },
    "output": {"keep_checkpoints": 1, "checkpoint_every": "30 steps", "samples": 4},
    "device": "cpu",
}


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.evaluated: list[tuple[int, dict[str, float], float, Path]] = []
        self.finished: list[tuple[int, int, bool]] = []

    @hookimpl
    def ganzoo_evaluated(
        self, step: int, values: dict[str, float], seconds: float, path: Path
    ) -> None:
        self.evaluated.append((step, values, seconds, path))

    @hookimpl
    def ganzoo_run_finished(self, step: int, total_steps: int, completed: bool) -> None:
        self.finished.append((step, total_steps, completed))


def spec(**evaluation: Any) -> dict[str, Any]:
    return {**SPEC, "evaluation": {**SPEC["evaluation"], **evaluation}}


def numbers(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Let the deciding metric give these numbers, one after the other, whatever the samples are."""
    from ganzoo.builtin.metrics import frechet

    given = iter(values)

    def build(self: Metric) -> MetricFn:
        return lambda inputs: MetricResult({"fd": next(given)})

    monkeypatch.setattr(frechet.FrechetDistance, "build", build)


def test_the_reports_are_those_of_the_command(tmp_path: Path) -> None:
    heard = Heard()
    run = ganzoo.run(SPEC, output=tmp_path / "run", listeners=[heard])
    history = History(run.directory)
    assert [point.step for point in history.points] == [10, 20, 30, 40, 50, 60]
    assert [each[0] for each in heard.evaluated] == [10, 20, 30, 40, 50, 60]
    assert heard.evaluated[-1][1] == {"fd@pixels-7": history.points[-1].report.values[0].mean}
    again = run.evaluate(samples=130, seeds=[evaluate.SEED], device="cpu", save=False)
    value, last = again.values[0], history.points[-1].report.values[0]
    assert value.mean == pytest.approx(last.mean, rel=1e-6)
    assert value.protocol == last.protocol
    assert value.baseline == last.baseline


def test_training_is_the_same_with_and_without(tmp_path: Path) -> None:
    plain = ganzoo.run({**SPEC, "evaluation": None}, output=tmp_path / "plain")
    evaluated = ganzoo.run(SPEC, output=tmp_path / "evaluated")
    one, other = (load_file(run.directory.generator_path) for run in (plain, evaluated))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_best_checkpoint_is_kept_and_can_be_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first number is that of the generator, the second the baseline; then one a step.
    numbers(monkeypatch, [5.0, 0.1, 3.0, 9.0, 4.0, 8.0, 7.0])
    run = ganzoo.run(SPEC, output=tmp_path / "run")
    best = History(run.directory).best
    assert best is not None
    assert best.step == 20
    assert run.directory.checkpoint_steps() == [60, 20]
    samples = {
        checkpoint: ganzoo.open_run(run.path, checkpoint).sample(3)
        for checkpoint in ("best", "last", 20, 60)
    }
    assert torch.equal(samples["best"], samples[20])
    assert torch.equal(samples["last"], samples[60])
    assert not torch.equal(samples["best"], samples["last"])


def test_patience_ends_a_run_that_gets_no_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers(monkeypatch, [5.0, 0.1, 3.0, 9.0, 4.0, 1.0])
    heard = Heard()
    run = ganzoo.run(spec(patience=2), output=tmp_path / "run", listeners=[heard])
    assert heard.finished == [(40, 40, True)]
    assert run.directory.checkpoint_steps() == [40, 20]
    assert "not running" not in run.directory.readme_path.read_text()

    resumed = Heard()
    ganzoo.resume(run.path, listeners=[resumed])
    assert resumed.finished == [(40, 40, True)]
    assert resumed.evaluated == []


def test_higher_can_be_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ganzoo.run(
        spec(metrics=["fd", "prdc"], best="coverage", every="30 steps"), output=tmp_path / "run"
    )
    history = History(run.directory)
    best = history.best
    assert best is not None
    coverage = [point.report.value("coverage").mean for point in history.points]
    assert best.report.value("coverage").mean == max(each or 0 for each in coverage)


def test_one_metric_may_have_two_extractors(tmp_path: Path) -> None:
    metrics = ["fd", {"type": "fd", "extractor": "random-conv"}]
    section = {"metrics": metrics, "best": "fd@random-conv", "every": "30 steps"}
    run = ganzoo.run(spec(**section), output=tmp_path / "run")
    history = History(run.directory)
    assert [value.name for value in history.points[0].report.values] == [
        "fd@pixels-7",
        "fd@random-conv",
    ]
    best = history.best
    assert best is not None
    deciding = history.deciding_value(best)
    assert deciding is not None
    assert deciding.name == "fd@random-conv"
    assert ganzoo.resume(run.path).directory.checkpoint_steps() == run.directory.checkpoint_steps()


class StopAfter:
    """Interrupts a run after an evaluation, before anything else is done at that step."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_evaluated(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


def test_a_run_stopped_right_after_an_evaluation_is_resumed_to_the_same_end(
    tmp_path: Path,
) -> None:
    whole = ganzoo.run(SPEC, output=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(SPEC, output=tmp_path / "stopped", listeners=[StopAfter(40)])
    resumed = ganzoo.resume(tmp_path / "stopped")
    one, other = (History(run.directory) for run in (whole, resumed))
    assert [(each.step, each.report.values) for each in one.points] == [
        (each.step, each.report.values) for each in other.points
    ]
    assert whole.directory.checkpoint_steps() == resumed.directory.checkpoint_steps()
    assert (
        whole.directory.generator_path.read_bytes() == resumed.directory.generator_path.read_bytes()
    )


def test_the_speed_logged_is_that_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = evaluate.TrainingEvaluator.evaluate

    def seconds_more(*arguments: Any) -> Any:
        report = slow(*arguments)
        return report.model_copy(update={"seconds": 1000.0})

    monkeypatch.setattr(evaluate.TrainingEvaluator, "evaluate", seconds_more)
    run = ganzoo.run(spec(every="60 steps"), output=tmp_path / "run")
    assert run.metrics()[-1]["seconds"] < 0  # a thousand seconds were taken off


@pytest.mark.parametrize(
    ("evaluation", "path", "message"),
    [
        ({"best": "fdd"}, "evaluation.best", "'fdd' is not a quantity of these metrics"),
        (
            {"best": "data_copying", "metrics": ["memorization"]},
            "evaluation.best",
            "not a quantity",
        ),
        (
            {"best": "fd", "metrics": ["fd", {"type": "fd", "extractor": "random-conv"}]},
            "evaluation.best",
            "'fd' may be any of several; name one (available: fd@pixels-7, fd@random-conv)",
        ),
        (
            {"metrics": ["fd", {"type": "fd", "extractor": {"type": "pixels", "size": 7}}]},
            "evaluation.metrics.1",
            "gives fd@pixels-7, as metric 0 does",
        ),
        ({"metrics": []}, "evaluation.metrics", "expected one or more"),
        (
            {"metrics": ["prdc", {"type": "prdc", "k": 3}]},
            "evaluation.metrics.1",
            "as metric 0 does",
        ),
        ({"metrics": ["class_balance"]}, "evaluation.metrics.0", "needs class logits"),
        ({"extractor": "identity"}, "evaluation.extractor", "points"),
        ({"reference": "validation"}, "evaluation.reference", "has no split 'validation'"),
        ({"samples": 1}, "evaluation.samples", "greater than or equal to 2"),
        ({"patience": 0}, "evaluation.patience", "greater than or equal to 1"),
    ],
)
def test_evaluations_that_make_no_sense_are_refused_before_anything_is_written(
    tmp_path: Path, evaluation: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        ganzoo.run(spec(**evaluation), output=tmp_path / "run")
    (problem,) = refusal.value.problems
    assert problem.path == path
    assert message in problem.message
    assert not (tmp_path / "run").exists()


def test_weights_of_an_extractor_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inception = {"type": "inception", "weights": "mine.pth", "sha256": "0" * 64}
    read = parse_spec(spec(extractor=inception, metrics=[{"type": "fd", "extractor": inception}]))
    kept = read.with_absolute_paths().to_json()["evaluation"]
    assert kept["extractor"]["weights"] == str(tmp_path / "mine.pth")
    assert kept["metrics"][0]["extractor"]["weights"] == str(tmp_path / "mine.pth")
