"""One step of an optimizer: scheduled numbers, gradients, clipping, scaling, update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import torch
from torch import nn

from ganzoo import components
from ganzoo.errors import Problem, SpecError

Numbers = dict[str, torch.Tensor]
"""Scalars worth logging by name, detached, still on the device: reading one would wait for it."""

Part = TypeVar("Part")


class OptimizerStep:
    """An optimizer whose numbers follow their schedules.

    Each update is ``zero_grad(progress)``, ``backward(loss)`` once or more, ``step()``; ``update`` is
    all of them.

    Args:
        component: the optimizer, as the spec has it.
        parameters: what it updates, by the names that ``lr_factors`` refers to.
        scaler: scales the loss where gradients are float16, else a disabled one.

    Attributes:
        parameters: what it updates.
        scaler: the scaler.
        names: of the parameters.
        kind: type of the component.
        factors: by the name of a scheduled field, what callbacks multiply its schedule by, each by a
            name of its own.
    """

    def __init__(
        self,
        component: components.Optimizer,
        parameters: Iterable[tuple[str, nn.Parameter]],
        scaler: torch.amp.GradScaler,
    ) -> None:
        named = list(parameters)
        groups = _groups(named, component.lr_factors)
        self.parameters: list[nn.Parameter] = [each for group in groups for each in group["params"]]
        places = {id(parameter): name for name, parameter in named}
        self.names = [places[id(parameter)] for parameter in self.parameters]
        self.kind = component.type
        self.optimizer = component.build(groups)
        self.scaler = scaler
        self.factors: dict[str, dict[str, float]] = {}
        self._clip_norm = component.clip_norm
        schedules = component.schedules()
        self._schedules = {name: _built(each) for name, each in schedules.items()}
        self._varying = {
            name: self._schedules[name]
            for name, each in schedules.items()
            if any(len(set(part.values())) > 1 for part in _parts(each))
        }
        self._set(self._schedules, 0.0)

    def update(
        self,
        parts: Iterable[tuple[Part, float | None]],
        loss_of: Callable[[Part], tuple[torch.Tensor, Numbers]],
        progress: float,
    ) -> Numbers:
        """Take one step by the mean loss of the parts of a batch.

        Args:
            parts: each with its weight in the mean, as ``TrainingContext.split`` returns them.
            loss_of: maps a part to its loss and to numbers to log.
            progress: fraction of training done.

        Returns:
            The numbers, as means over the parts.
        """
        means = Numbers()
        self.zero_grad(progress)
        for part, fraction in parts:
            loss, numbers = loss_of(part)
            self.backward(loss, fraction)
            for name, number in numbers.items():
                value = number if fraction is None else number * fraction
                means[name] = means[name] + value if name in means else value
        self.step()
        return means

    def zero_grad(self, progress: float) -> None:
        """Set the scheduled numbers for this update and drop the last gradients."""
        if self._varying:
            self._set(self._varying, progress)
        for parameter in self.parameters:
            parameter.grad = None

    def backward(self, loss: torch.Tensor, fraction: float | None = None) -> None:
        """Add the gradients of a loss.

        Args:
            loss: a scalar.
            fraction: weight of a part in the mean over its batch, or None for a whole batch.
        """
        if not loss.requires_grad and self._all_frozen:
            return
        scaled: torch.Tensor = self.scaler.scale(loss if fraction is None else loss * fraction)
        torch.autograd.backward(scaled)

    def step(self) -> None:
        """Clip the gradients where asked to, and update the weights."""
        if self.scaler.is_enabled() and self._all_frozen:
            return  # a scaler insists on gradients
        if self._clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self._clip_norm)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()

    @property
    def _all_frozen(self) -> bool:
        """Whether ``training.freeze`` leaves nothing to update."""
        return not any(each.requires_grad for each in self.parameters)

    def scale(self, field: str, factor: float, owner: str) -> None:
        """Multiply what a schedule gives by a factor, from the next update on.

        Args:
            field: a scheduled field.
            factor: the factor; it replaces an earlier one of the same owner.
            owner: who multiplies.

        Raises:
            ValueError: the optimizer schedules no such field.
        """
        if field not in self._schedules:
            known = ", ".join(self._schedules)
            raise ValueError(f"the optimizer has no scheduled field {field!r} (available: {known})")
        self.factors.setdefault(field, {})[owner] = factor
        self._varying[field] = self._schedules[field]

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer's state as torch lays it out."""
        state: dict[str, Any] = self.optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.optimizer.load_state_dict(state)

    def _set(self, schedules: dict[str, Any], progress: float) -> None:
        for name, schedule in schedules.items():
            value = schedule(progress)
            if name in self.factors:
                factor = math.prod(self.factors[name].values())
                value = (
                    tuple(factor * each for each in value)
                    if type(value) is tuple
                    else factor * value
                )
            for group in self.optimizer.param_groups:
                group[name] = value * group["lr_factor"] if name == "lr" else value


def matching(pattern: str, names: Sequence[str], path: str, of: str) -> list[str]:
    """Return the names of weights that a pattern in the spec, at a path, matches.

    Raises:
        SpecError: it matches none; ``of`` says whose weights they are.
    """
    found = [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        problem = f"{pattern!r} matches no weight of {of} (they are {', '.join(names[:3])}, …)"
        raise SpecError([Problem(path, problem)])
    return found


def _groups(
    parameters: Sequence[tuple[str, nn.Parameter]], factors: dict[str, float]
) -> list[dict[str, Any]]:
    """Return parameter groups, one for each factor on the learning rate; the first match counts."""
    groups: dict[float, list[nn.Parameter]] = {}
    for pattern in factors:
        matching(pattern, [name for name, _ in parameters], "lr_factors", "the optimizer")
    for name, parameter in parameters:
        found = (factor for pattern, factor in factors.items() if fnmatchcase(name, pattern))
        groups.setdefault(next(found, 1.0), []).append(parameter)
    return [{"params": group, "lr_factor": factor} for factor, group in groups.items()]


def _parts(schedule: Any) -> tuple[components.Schedule, ...]:
    return schedule if isinstance(schedule, tuple) else (schedule,)


def _built(schedule: Any) -> Any:
    """Build a schedule, or several that together give a tuple."""
    if not isinstance(schedule, tuple):
        return schedule.build()
    functions = [each.build() for each in schedule]
    return lambda progress: tuple(function(progress) for function in functions)
