"""Optimizers: torch's own, with the numbers of the spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganzoo.components import Optimizer
from ganzoo.training.optimizers import OptimizerStep

STEPS = 12

CASES: dict[str, tuple[dict[str, Any], Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": ({"type": "adam"}, torch.optim.Adam, {"lr": 2e-4, "betas": (0.5, 0.999)}),
    "adam with all": (
        {"type": "adam", "lr": 0.01, "betas": [0.1, 0.9], "eps": 1e-3, "weight_decay": 0.1},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.1, 0.9), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "adamw": (
        {"type": "adamw", "lr": 0.01},
        torch.optim.AdamW,
        {"lr": 0.01, "betas": (0.5, 0.999), "weight_decay": 0.01},
    ),
    "adamw with all": (
        {"type": "adamw", "lr": 0.01, "betas": [0.1, 0.9], "eps": 1e-3, "weight_decay": 0.3},
        torch.optim.AdamW,
        {"lr": 0.01, "betas": (0.1, 0.9), "eps": 1e-3, "weight_decay": 0.3},
    ),
    "sgd": ({"type": "sgd", "lr": 0.01}, torch.optim.SGD, {"lr": 0.01}),
    "sgd with all": (
        {"type": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "rmsprop": ({"type": "rmsprop", "lr": 0.01}, torch.optim.RMSprop, {"lr": 0.01}),
    "rmsprop with all": (
        {
            "type": "rmsprop",
            "lr": 0.01,
            "alpha": 0.9,
            "eps": 1e-3,
            "momentum": 0.5,
            "weight_decay": 0.1,
        },
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.5, "weight_decay": 0.1},
    ),
}


def optimizer(data: object) -> Any:
    return TypeAdapter(Optimizer).validate_python(data)


def weights() -> nn.Parameter:
    return nn.Parameter(torch.linspace(-2, 2, 9, dtype=torch.float64))


def loss(parameter: torch.Tensor) -> torch.Tensor:
    return (parameter.sin() * torch.arange(1, 10, dtype=torch.float64)).sum()


def scheduled(data: object, parameter: nn.Parameter) -> OptimizerStep:
    """The optimizer as the game uses it."""
    return OptimizerStep(
        optimizer(data), [("weight", parameter)], torch.amp.GradScaler("cpu", enabled=False)
    )


def take_steps(used: OptimizerStep, parameter: nn.Parameter) -> None:
    for step in range(STEPS):
        used.zero_grad(step / STEPS)
        used.backward(loss(parameter))
        used.step()


def take_plain_steps(
    used: torch.optim.Optimizer, parameter: nn.Parameter, **changes: Callable[[float], float]
) -> None:
    """Steps as torch's own documentation takes them, with numbers set before each."""
    for step in range(STEPS):
        for name, change in changes.items():
            used.param_groups[0][name] = change(step / STEPS)
        used.zero_grad()
        loss(parameter).backward()
        used.step()


@pytest.mark.parametrize(("data", "theirs", "numbers"), CASES.values(), ids=CASES)
def test_an_optimizer_is_torch_s_own_with_the_numbers_of_the_spec(
    data: dict[str, Any],
    theirs: Callable[..., torch.optim.Optimizer],
    numbers: dict[str, Any],
) -> None:
    mine, plain = weights(), weights()
    take_steps(scheduled(data, mine), mine)
    take_plain_steps(theirs([plain], **numbers), plain)
    torch.testing.assert_close(mine, plain, rtol=1e-12, atol=1e-14)
    assert not torch.equal(mine, weights())


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_fused_form_is_used_where_there_is_one(name: str) -> None:
    assert optimizer(name).build([{"params": [weights()]}]).defaults["fused"] is True


def test_the_fused_form_is_not_used_where_it_cannot_be() -> None:
    elsewhere = nn.Parameter(torch.empty(3, device="meta"))
    assert not optimizer("adam").build([{"params": [elsewhere]}]).defaults["fused"]


LINE = {"type": "linear", "start": 0.1, "end": 0.0}
RISE = {"type": "linear", "start": 0.0, "end": 0.9}


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_schedule_changes_the_learning_rate_at_each_step(name: str) -> None:
    mine, plain = weights(), weights()
    take_steps(scheduled({"type": name, "lr": LINE}, mine), mine)
    theirs = optimizer({"type": name, "lr": 0.1}).build([{"params": [plain]}])
    decay = {"adamw": 0.01}.get(name, 0.0)
    take_plain_steps(
        theirs, plain, lr=lambda progress: 0.1 * (1 - progress), weight_decay=lambda _: decay
    )
    torch.testing.assert_close(mine, plain, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_weight_decay_can_be_scheduled(name: str) -> None:
    mine, without = weights(), weights()
    take_steps(scheduled({"type": name, "lr": 0.01, "weight_decay": RISE}, mine), mine)
    take_steps(scheduled({"type": name, "lr": 0.01, "weight_decay": 0.0}, without), without)
    assert mine.isfinite().all()
    assert not torch.allclose(mine, without)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_of_sgd_can_rise_from_nothing(nesterov: bool) -> None:
    mine, plain = weights(), weights()
    data = {"type": "sgd", "lr": 0.01, "momentum": RISE, "nesterov": nesterov}
    take_steps(scheduled(data, mine), mine)
    theirs = torch.optim.SGD([plain], lr=0.01, momentum=0.9, nesterov=nesterov)
    take_plain_steps(theirs, plain, momentum=lambda progress: 0.9 * progress)
    torch.testing.assert_close(mine, plain, rtol=1e-12, atol=1e-14)


def test_gradients_are_clipped_by_their_common_norm() -> None:
    mine = weights()
    before = mine.detach().clone()
    used = scheduled({"type": "sgd", "lr": 1.0, "clip_norm": 0.5}, mine)
    used.zero_grad(0.0)
    used.backward(loss(mine))
    used.step()
    assert (mine.detach() - before).norm().item() == pytest.approx(0.5, rel=1e-5)


def test_the_scheduled_fields_are_groups_keys_of_torch() -> None:
    for name in ("adam", "adamw", "sgd", "rmsprop"):
        spec = optimizer(name)
        assert set(spec.schedules()) <= set(spec.build([{"params": [weights()]}]).param_groups[0])
        assert {"lr", "weight_decay"} <= set(spec.schedules())


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ({"type": "adam", "lr": -1e-3}, "", "lr must not become negative"),
        ({"type": "adam", "lr": {**LINE, "end": -0.1}}, "", "lr must not become negative"),
        ({"type": "adamw", "weight_decay": -1}, "", "weight_decay must not become negative"),
        ({"type": "sgd", "momentum": -1}, "", "momentum must not become negative"),
        ({"type": "sgd", "nesterov": True}, "", "'nesterov' needs a momentum above 0"),
        ({"type": "rmsprop", "momentum": -1}, "momentum", "greater than or equal to 0"),
        ({"type": "rmsprop", "alpha": 1}, "alpha", "less than 1"),
        ({"type": "adam", "betas": [0.5]}, "betas.1", "required"),
        ({"type": "adam", "betas": [0.5, 1.0]}, "betas.1", "must stay in [0, 1)"),
        ({"type": "adam", "eps": 0}, "eps", "greater than 0"),
        ({"type": "sgd", "clip_norm": 0}, "clip_norm", "greater than 0"),
    ],
)
def test_numbers_that_torch_could_not_use_are_refused(
    data: object, path: str, message: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        optimizer(data)
    (line,) = raised.value.errors()
    assert ".".join(map(str, line["loc"])) == path
    assert message in line["msg"]
