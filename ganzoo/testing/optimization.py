"""Checks of optimizers and schedules."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from ganzoo.components import Optimizer, Schedule
from ganzoo.testing.faults import check, require
from ganzoo.testing.trials import few
from ganzoo.training.optimizers import ScheduledOptimizer

STEPS = 10


@check
def check_descent(optimizer: Optimizer) -> None:
    """Ten steps lower a quadratic, with the numbers that the schedules give."""
    problem = _Quadratic(optimizer)
    before = problem.value().item()
    for step in range(STEPS):
        problem.step(step / STEPS)
    after = problem.value().item()
    require(
        after < before,
        f"{STEPS} steps take a quadratic from {before:.6g} to {after:.6g}; they must lower it",
    )


@check
def check_state_dict(optimizer: Optimizer) -> None:
    """An optimizer that loads the state of another goes on as that one does."""
    one, other = _Quadratic(optimizer), _Quadratic(optimizer)
    for step in range(3):
        one.step(step / STEPS)
    other.load(one)
    for step in range(3, 6):
        one.step(step / STEPS)
        other.step(step / STEPS)
    require(
        all(map(torch.equal, one.parameters, other.parameters)),
        "after loading the state of another optimizer, steps differ from the other's; all that"
        " changes must be in the state dict",
    )


@check
def check_schedules(optimizer: Optimizer) -> None:
    """Each scheduled field names a key of the parameter groups."""
    groups = optimizer.build([nn.Parameter(torch.ones(2))]).param_groups
    missing = [name for name in optimizer.schedules() if any(name not in group for group in groups)]
    require(
        not missing,
        f"{few(missing)} of the scheduled fields are no keys of the parameter groups, so setting them"
        " has no effect; name fields as torch names the numbers of its groups",
    )


@check
def check_values(schedule: Schedule) -> None:
    """Numbers are finite floats within those of ``values``, for all of training, ends included."""
    bounds = list(schedule.values())
    require(
        bounds and all(map(math.isfinite, bounds)),
        f"'values' yields {bounds}; it must yield finite numbers that bound the schedule",
    )
    low, high = min(bounds), max(bounds)
    slack = 1e-9 * max(abs(low), abs(high), 1e-30)
    function = schedule.build()
    for step in range(101):
        progress = step / 100
        value = function(progress)
        require(
            isinstance(value, int | float) and math.isfinite(value),
            f"the number at progress {progress} is {value!r}; it must be a finite float",
        )
        require(
            low - slack <= value <= high + slack,
            f"the number at progress {progress} is {value:.6g}; it must lie within those of 'values',"
            f" from {low:.6g} to {high:.6g}",
        )


@check
def check_purity(schedule: Schedule) -> None:
    """The number follows from progress alone, so that a resumed run has the same."""
    function, fresh = schedule.build(), schedule.build()
    there = [function(step / 20) for step in range(21)]
    back = [fresh(step / 20) for step in reversed(range(21))]
    require(
        there == back[::-1],
        "numbers differ with the order in which progress is asked for; they must follow from"
        " progress alone",
    )


class _Quadratic:
    """A matrix and a vector, and their mean squared distance from a target."""

    def __init__(self, optimizer: Optimizer) -> None:
        rng = torch.Generator().manual_seed(0)
        self.parameters = [
            nn.Parameter(torch.randn(shape, generator=rng)) for shape in ((4, 3), (3,))
        ]
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        self._optimizer = ScheduledOptimizer(optimizer, self.parameters, scaler)

    def value(self) -> torch.Tensor:
        """Return the mean squared distance from 3, summed over both."""
        return torch.stack([(each - 3).square().mean() for each in self.parameters]).sum()

    def step(self, progress: float) -> None:
        """Take one step as the game does."""
        self._optimizer.start(progress)
        self._optimizer.backward(self.value())
        self._optimizer.finish()

    def load(self, other: _Quadratic) -> None:
        """Take over parameters and the optimizer's state."""
        with torch.no_grad():
            for mine, theirs in zip(self.parameters, other.parameters, strict=True):
                mine.copy_(theirs)
        self._optimizer.load_state_dict(copy.deepcopy(other._optimizer.state_dict()))
