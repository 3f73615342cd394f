"""Checks of what steers training: losses, callbacks, optimizers and schedules."""

from __future__ import annotations

import copy
import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import torch
from torch import nn

from ganzoo.components import (
    AdversarialLoss,
    Callback,
    CallbackSetting,
    CallbackState,
    Control,
    Loss,
    Optimizer,
    Schedule,
    Side,
)
from ganzoo.training import OptimizerStep
from ganzoo_devkit.testing.checks import (
    Options,
    check,
    few,
    require,
    require_tensor,
    require_type,
    same,
)


class LossSide(NamedTuple):
    """One side of a loss, as a function of real and fake logits."""

    name: Side
    of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    where: str


def _both_sides(loss: Loss, _: Options) -> Iterator[LossSide]:
    """Yield both sides, called as an algorithm calls them."""
    built = loss.build()
    require_type(built, AdversarialLoss, "'build'")
    needs_real = built.generator_needs_real
    yield LossSide("discriminator", built.discriminator, "on the discriminator's side")
    yield LossSide(
        "generator",
        lambda real, fake: built.generator(fake, real if needs_real else None),
        "on the generator's side",
    )


@check(Loss, each=_both_sides)
def check_sides(side: LossSide) -> None:
    """Both sides are float32 scalars, also of patches, the same for the same logits, which stay."""
    for shape in ((2,), (5,), (4, 1, 3, 3)):
        logits = _logits(*shape)
        before = [each.clone() for each in logits]
        value, again = side.of(*logits), side.of(*logits)
        require_tensor(value, f"the value for logits {shape}", ())
        require(torch.equal(value, again), "the same logits give two values; it must be a function")
        require(all(map(torch.equal, logits, before)), "logits are changed in place")


@check(Loss, each=_both_sides)
def check_extremes(side: LossSide) -> None:
    """Values and gradients are finite for logits of 10,000, of either sign."""
    for signs in itertools.product((-1e4, 1e4), repeat=2):
        logits = [torch.full((3,), sign, requires_grad=True) for sign in signs]
        value = side.of(*logits)
        if value.requires_grad:
            torch.autograd.backward(value)
        found = [value, *(each.grad for each in logits if each.grad is not None)]
        require(
            all(each.isfinite().all() for each in found),
            f"value or gradient is not finite at real logits of {signs[0]:g} and fake ones of"
            f" {signs[1]:g}; use softplus or logsigmoid",
        )


@check(Loss, each=_both_sides)
def check_directions(side: LossSide) -> None:
    """Where the discriminator is wrong it learns to tell; where it is right the generator learns.

    High logits mean real. Logits of 0.5 in magnitude are within the margins of all usual losses.
    """
    low, high = -0.5 + 0.1 * torch.rand(6), 0.5 + 0.1 * torch.rand(6)
    real, fake = (low, high) if side.name == "discriminator" else (high, low)
    real.requires_grad_()
    fake.requires_grad_()
    torch.autograd.backward(side.of(real, fake))
    by_real, by_fake = (0.0 if x.grad is None else x.grad.sum().item() for x in (real, fake))
    if side.name == "discriminator":
        require(by_real < 0, "it does not fall where logits of real samples rise")
        require(by_fake > 0, "it does not rise where logits of fake samples rise")
    else:
        require(by_fake < 0, "it does not fall where logits of fake samples rise")


@check(Loss, each=_both_sides)
def check_gradcheck(side: LossSide) -> None:
    """In double precision the gradients are those of finite differences."""
    logits = tuple(each.double().requires_grad_() for each in _logits(5))
    right = torch.autograd.gradcheck(side.of, logits, raise_exception=False)
    require(right, "the gradient is not that of finite differences")


@check(Loss)
def check_weights(loss: Loss) -> None:
    """What is built leaves ``discriminator_weight`` and ``generator_weight`` to the algorithm."""
    names = ("discriminator_weight", "generator_weight")
    heavy = loss.model_copy(update={name: 2 * getattr(loss, name) for name in names})
    logits = _logits(5)
    sides = (_both_sides(each, Options()) for each in (loss, heavy))
    for side, other in zip(*sides, strict=True):
        require(
            torch.equal(side.of(*logits), other.of(*logits)),
            f"the {side.name}'s side changes with '{side.name}_weight', which the algorithm applies",
        )


def _logits(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=rng), torch.randn(shape, generator=rng)


@check(Callback)
def check_actions(callback: Callback) -> None:
    """Each event of a run can be handled by what the interface gives; actions have a reason.

    The state dict is JSON, and one that has loaded it acts as the other would.
    """
    for first in (1, 4, 9):
        built, fresh = (callback.build(_setting(callback)) for _ in range(2))
        require_type(built, CallbackState, "'build'")
        _feed(callback, built, range(1, first))
        state = built.state_dict()
        stored = json.loads(json.dumps(state, allow_nan=False))
        require(stored == state, "the state dict is another after it went through JSON")
        fresh.load_state_dict(stored)
        actions, again = (_feed(callback, each, range(first, 20)) for each in (built, fresh))
        kept = actions == again and built.state_dict() == fresh.state_dict()
        require(kept, "after its state was saved and loaded, a callback acts otherwise")


def _feed(callback: Callback, built: CallbackState, steps: range) -> list[Any]:
    """Tell a callback of the events of some steps, and return what it did."""
    control = mock.create_autospec(Control, instance=True)
    quantities = _setting(callback).quantities
    names = ("loss/generator", "loss/discriminator", "score/real", "score/fake", *quantities)
    for step in steps:
        value = 1.0 / min(step, 5) + 0.01 * (step % 3)
        built.on_log(step, {"epoch": step / 4, **dict.fromkeys(names, value)}, control)
        built.on_evaluation(step, dict.fromkeys(quantities, value), control)
        built.on_save(step, control)
    return [_action(*call) for call in control.method_calls]


def _action(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return an action of a callback; its reason and its factor must be right."""
    signature = inspect.signature(getattr(Control, name))
    given = signature.bind(None, *arguments, **keywords).arguments
    if name == "log":
        return {quantity: float(value) for quantity, value in given["values"].items()}
    reason, factor = given["reason"], given.get("factor", 1.0)
    said = isinstance(reason, str) and reason.strip()
    require(said, f"the reason of {name!r} is {reason!r}; it must say why, in words")
    if name == "warn":
        finding = given["finding"]
        require(isinstance(finding, str) and finding, f"{finding!r} does not name a finding")
    known = isinstance(factor, int | float) and math.isfinite(factor) and factor >= 0
    require(known, f"a schedule is scaled by {factor!r}, not by a number of at least 0")
    return name, given


def _setting(callback: Callback) -> CallbackSetting:
    """Return a run that has two optimizers and evaluates whatever the callback names."""
    fields = [getattr(callback, name) for name in type(callback).model_fields if name != "type"]
    named: list[str] = [value for value in fields if isinstance(value, str)]
    return CallbackSetting(
        dict.fromkeys(named or ["fd@pixels"], "lower"), ("generator", "discriminator")
    )


@check(Optimizer)
def check_descent(optimizer: Optimizer) -> None:
    """Ten steps lower a quadratic; an optimizer that loads the state of another goes on as it does."""
    one, other = _optimizing(optimizer), _optimizing(optimizer)
    before = _distance(one).item()
    for step in range(10):
        if step == 3:
            with torch.no_grad():
                for mine, its in zip(other.parameters, one.parameters, strict=True):
                    mine.copy_(its)
            other.load_state_dict(copy.deepcopy(one.state_dict()))
        for each in (one, other)[: 1 + (step >= 3)]:
            each.zero_grad(step / 10)
            each.backward(_distance(each))
            each.step()
    after = _distance(one).item()
    require(after < before, f"10 steps take a quadratic from {before:.6g} to {after:.6g}")
    kept = all(map(same, one.parameters, other.parameters))
    require(kept, "steps after loading the state of another optimizer differ from the other's")


def _optimizing(optimizer: Optimizer) -> OptimizerStep:
    """Build an optimizer of a matrix and a vector."""
    rng, shapes = torch.Generator().manual_seed(0), {"net.matrix": (4, 3), "net.vector": (3,)}
    weights = {
        name: nn.Parameter(torch.randn(each, generator=rng)) for name, each in shapes.items()
    }
    return OptimizerStep(optimizer, weights.items(), torch.amp.GradScaler("cpu", enabled=False))


def _distance(optimizing: OptimizerStep) -> torch.Tensor:
    """Return the mean squared distance from 3, summed over the parameters."""
    return torch.stack([(each - 3).square().mean() for each in optimizing.parameters]).sum()


@check(Optimizer)
def check_groups(optimizer: Optimizer) -> None:
    """Parameter groups are handed on, so that ``lr_factors`` count; each schedule has a key in them."""
    weights = {factor: [nn.Parameter(torch.ones(2))] for factor in (1.0, 0.5)}
    given = [{"params": each, "lr_factor": factor} for factor, each in weights.items()]
    groups = optimizer.build(given).param_groups
    factors = [group.get("lr_factor") for group in groups]
    require(
        factors == [1.0, 0.5], "'build' does not hand its groups of parameters to the optimizer"
    )
    missing = few(
        name for name in optimizer.schedules() if any(name not in each for each in groups)
    )
    require(not missing, f"scheduled fields are not keys of the parameter groups: {missing}")


@check(Schedule)
def check_values(schedule: Schedule) -> None:
    """Numbers are finite floats within those of ``values``, for all of training.

    They follow from progress alone, so that a resumed run has the same.
    """
    bounds = list(schedule.values())
    finite = bounds and all(map(math.isfinite, bounds))
    require(finite, f"'values' yields {bounds}, not finite numbers")
    low, high = min(bounds), max(bounds)
    slack = 1e-9 * max(abs(low), abs(high), 1e-30)
    function, fresh = schedule.build(), schedule.build()
    found = []
    for step in range(101):
        value = function(step / 100)
        found.append(value)
        what = f"the number at progress {step / 100} is"
        number = isinstance(value, int | float) and math.isfinite(value)
        require(number, f"{what} {value!r}, not a finite float")
        within = low - slack <= value <= high + slack
        require(within, f"{what} {value:.6g}, outside of 'values' from {low:.6g} to {high:.6g}")
    back = [fresh(step / 100) for step in reversed(range(101))]
    require(found == back[::-1], "numbers differ with the order in which progress is asked for")
