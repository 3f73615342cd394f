"""The callbacks, on numbers that are made up and on a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_callbacks.callbacks import ReduceOnPlateau, StopAt

import ganzoo
from ganzoo.components import CallbackSetting, Control
from ganzoo.errors import SpecError, TrainingError

SETTING = CallbackSetting(
    {"fd@pixels": "lower", "recall@pixels": "higher", "recall@lenet": "higher", "balance@x": None},
    ("generator", "discriminator"),
)


class Actions(Control):
    """Keeps what a callback does."""

    def __init__(self) -> None:
        self.stops: list[str] = []
        self.scales: list[tuple[str, str, float]] = []

    def stop(self, reason: str) -> None:
        self.stops.append(reason)

    def save(self, reason: str) -> None:
        raise AssertionError

    def scale(self, optimizer: str, field: str, factor: float, reason: str) -> None:
        self.scales.append((optimizer, field, factor))

    def log(self, values: Mapping[str, float]) -> None:
        raise AssertionError


def test_a_run_stops_when_a_loss_stays_above_its_bound() -> None:
    callback = StopAt(quantity="loss/generator", above=5.0, checks=2)
    callback.check(SETTING)
    part, actions = callback.build(SETTING), Actions()
    for step, loss in enumerate([6.0, 4.0, 6.0]):
        part.on_log(step, {"loss/generator": loss}, actions)
    assert not actions.stops
    again = callback.build(SETTING)
    again.load_state_dict(part.state_dict())
    again.on_log(4, {"loss/generator": 7.0}, actions)
    assert actions.stops == ["loss/generator is 7, above 5.0, 2 times in a row"]


def test_a_run_stops_when_a_quantity_is_good_enough() -> None:
    part, actions = StopAt(quantity="fd", below=3.0).build(SETTING), Actions()
    part.on_evaluation(1, {"fd@pixels": 3.0}, actions)
    part.on_evaluation(2, {}, actions)
    part.on_log(2, {"loss/generator": 0.0}, actions)
    assert not actions.stops
    part.on_evaluation(3, {"fd@pixels": 2.5}, actions)
    assert actions.stops == ["fd@pixels is 2.5, below 3.0"]


def test_a_number_that_is_not_logged_ends_training_with_those_that_are() -> None:
    part = StopAt(quantity="loss/judge", above=1.0).build(SETTING)
    with pytest.raises(TrainingError, match=r"'loss/judge' is not logged.*\(available: loss/a\)"):
        part.on_log(1, {"epoch": 1.0, "loss/a": 1.0}, Actions())


@pytest.mark.parametrize(("quantity", "sign"), [("fd", 1), ("recall@pixels", -1)])
def test_learning_rates_fall_while_a_quantity_is_no_better(quantity: str, sign: int) -> None:
    callback = ReduceOnPlateau(
        quantity=quantity, patience=2, smallest=0.2, optimizers=("generator",)
    )
    callback.check(SETTING)
    name = SETTING.find(quantity)
    part, actions = callback.build(SETTING), Actions()
    for step, value in enumerate([3, 2, 2, 1, 1, 2, 3, 1, 1, 1, 1]):
        fresh = callback.build(SETTING)
        fresh.load_state_dict(part.state_dict())
        part = fresh
        part.on_evaluation(step, {name: sign * value}, actions)
    assert [factor for *_, factor in actions.scales] == [0.5, 0.25, 0.2]
    assert {scale[:2] for scale in actions.scales} == {("generator", "lr")}


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (StopAt(quantity="fid", below=1.0), r"'fid' is not evaluated.* \(available: fd@pixels, "),
        (
            StopAt(quantity="recall", above=1.0),
            r"'recall' may be any of several.*\(available: recall@pixels, recall@lenet\)",
        ),
        (ReduceOnPlateau(quantity="balance"), r"no values of balance@x are better than others"),
        (
            ReduceOnPlateau(quantity="fd", optimizers=("critic",)),
            r"no optimizer 'critic' \(available: generator, discriminator\)",
        ),
    ],
)
def test_what_the_run_does_not_have_is_refused(
    callback: StopAt | ReduceOnPlateau, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        callback.check(SETTING)


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    images = np.random.default_rng(0).integers(0, 256, (32, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    return {
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npy")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [8]},
        "discriminator": {"type": "mlp", "hidden": [8]},
        "training": {"duration": "8 steps", "batch_size": 8},
        "evaluation": {"metrics": ["fd"], "extractor": "pixels", "every": "1 steps", "samples": 16},
        "output": {"directory": str(tmp_path / "runs"), "log_every": "1 steps", "samples": 4},
    }


def test_actions_are_recorded_and_a_stopped_run_is_complete(evaluated: dict[str, Any]) -> None:
    evaluated["callbacks"] = [
        {"type": "reduce_on_plateau", "quantity": "fd", "factor": 0.1},
        {"type": "stop_at", "quantity": "fd@pixels", "above": 0.0, "checks": 5},
    ]
    run = ganzoo.run(evaluated)
    stopped = [line for line in run.actions() if line["action"] == "stop"]
    assert [line["step"] for line in stopped] == [5]
    assert stopped[0]["callback"] == "stop_at"
    assert stopped[0]["reason"].endswith("above 0.0, 5 times in a row")
    assert run.directory.checkpoint_steps()[0] == 5
    assert ganzoo.resume(run.path).metrics() == run.metrics(), "it is not trained on"


def test_a_callback_whose_state_cannot_be_saved_is_named(
    evaluated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated["callbacks"] = [{"type": "stop_at", "quantity": "fd@pixels", "above": 1e9}]
    part = type(StopAt(quantity="fd", above=0.0).build(SETTING))
    monkeypatch.setattr(part, "state_dict", lambda self: {"seen": {1, 2}})
    with pytest.raises(TrainingError, match=r"the state of callback 'stop_at' must be .*: .* set "):
        ganzoo.run(evaluated)


def test_a_spec_says_where_a_callback_is_wrong(evaluated: dict[str, Any]) -> None:
    evaluated["callbacks"] = [{"type": "reduce_on_plateau", "quantity": "kd"}]
    with pytest.raises(SpecError, match=r"callbacks\.0: quantity 'kd' is not evaluated"):
        ganzoo.load_spec(evaluated).check()
    evaluated["callbacks"] = [{"type": "stop_at", "quantity": "fd"}]
    with pytest.raises(SpecError, match=r"callbacks\.0: give 'above' or 'below'"):
        ganzoo.load_spec(evaluated)
