"""Settings of networks, optimizers and training that other packages rely on, and callbacks of theirs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.errors import SpecError
from ganzoo.runs.checkpoints import Checkpoint

Train = Callable[[dict[str, Any]], ganzoo.Run]


def checkpoint(run: ganzoo.Run) -> Checkpoint:
    return Checkpoint.load(run.directory.checkpoints()[0])


def test_a_callback_stops_a_run_and_the_stop_is_resumed(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    tiny["callbacks"] = [{"type": "stop_when_scores_part", "gap": -10.0, "lines": 4}]
    run = train_and_resume(tiny)
    assert run.metrics()[-1]["step"] == 4
    assert run.actions() == [
        {
            "step": 4,
            "callback": "stop_when_scores_part",
            "action": "stop",
            "reason": "the scores have been -10.0 apart for 4 lines",
        }
    ]
    seen = [line.get("watchdog/seen") for line in run.metrics()]
    assert seen == [None, 1, 2, 3], "what is logged in a line's turn is in the next line"
    assert run.sample(2).shape == (2, 1, 8, 8)


def test_a_callback_scales_a_learning_rate_and_the_factor_is_resumed(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    tiny |= {
        "callbacks": [{"type": "slow_down", "quantity": "fd"}],
        "evaluation": {"metrics": ["fd"], "extractor": "pixels", "every": "1 steps", "samples": 16},
    }
    tiny["training"]["ema"] = None
    tiny["generator_optimizer"] = {"type": "adam", "lr": 0.2}
    run = train_and_resume(tiny)
    factors = [line["factor"] for line in run.actions() if line["action"] == "scale"]
    assert factors == [2.0**-count for count in range(1, len(factors) + 1)]
    assert factors, "with so large a learning rate the samples get worse"
    # The factor that the last evaluation chose, after the last update, is in the checkpoint alone.
    assert checkpoint(run).values["factors"]["generator"] == {"lr": {"0": factors[-1]}}


def test_a_callback_is_refused_a_quantity_that_is_not_evaluated(tiny: dict[str, Any]) -> None:
    tiny["callbacks"] = [{"type": "slow_down", "quantity": "fd"}]
    with pytest.raises(SpecError, match=r"callbacks\.0: quantity 'fd' is not evaluated"):
        ganzoo.load_spec(tiny).check()


def test_some_weights_learn_more_slowly(tiny: dict[str, Any], train_and_resume: Train) -> None:
    tiny["generator_optimizer"] = {
        "type": "adam",
        "lr": {"type": "linear", "start": 0.1, "end": 0.0},
        "lr_factors": {"generator.layers.0.*": 0.0, "generator.*": 0.5},
    }
    run = train_and_resume(tiny)
    start = ganzoo.run({**tiny, "training": {**tiny["training"], "duration": "1 steps"}})
    before, after = (load_file(each.directory.checkpoints()[0]) for each in (start, run))
    first, last = "networks/generator/layers.0.weight", "networks/generator/layers.2.weight"
    assert torch.equal(before[first], after[first])
    assert not torch.equal(before[last], after[last])
    groups = checkpoint(run).values["optimizers"]["generator"]
    assert [group["lr_factor"] for group in groups] == [0.0, 0.5]
    assert groups[1]["lr"] == pytest.approx(0.5 * 0.1 / 6)


def test_betas_follow_a_schedule(tiny: dict[str, Any], train_and_resume: Train) -> None:
    tiny["discriminator_optimizer"] = {
        "type": "adam",
        "betas": [{"type": "linear", "start": 0.9, "end": 0.0}, 0.9],
    }
    run = train_and_resume(tiny)
    betas = checkpoint(run).values["optimizers"]["discriminator"][0]["betas"]
    assert betas == pytest.approx([0.9 / 6, 0.9])


def test_spectral_norm_is_a_field_of_any_network(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    for network in ("generator", "discriminator"):
        tiny[network]["parametrizations"] = ["spectral_norm"]
    run = train_and_resume(tiny)
    generator = run.generator()
    for layer in generator.modules():
        if isinstance(layer, torch.nn.Linear):
            largest = torch.linalg.matrix_norm(layer.weight, 2)
            assert math.isclose(largest, 1, rel_tol=0.2)
    assert run.sample(2).shape == (2, 1, 8, 8)


def test_frozen_weights_stay(tiny: dict[str, Any], train_and_resume: Train) -> None:
    tiny["training"]["freeze"] = ["discriminator.layers.0.*"]
    run = train_and_resume(tiny)
    first = ganzoo.run({**tiny, "training": {**tiny["training"], "duration": "1 steps"}})
    before, after = (load_file(each.directory.checkpoints()[0]) for each in (first, run))
    name = "networks/discriminator/layers.{}.weight"
    assert torch.equal(before[name.format(0)], after[name.format(0)])
    assert not torch.equal(before[name.format(2)], after[name.format(2)])


def test_a_pattern_that_freezes_nothing_is_refused(tiny: dict[str, Any]) -> None:
    tiny["training"]["freeze"] = ["critic.*"]
    expected = r"training\.freeze\.0: 'critic\.\*' matches no weight .*generator\.layers\.0\.weight"
    with pytest.raises(SpecError, match=expected):
        ganzoo.run(tiny)
