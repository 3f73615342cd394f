"""Schedules, the numbers that change in the course of training, and optimizers."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components.base import Component, choice

if TYPE_CHECKING:
    import torch
    from torch import nn


ScheduleFunction = Callable[[float], float]


class Schedule(Component):
    """A number that may change in the course of training.

    Where a spec takes a schedule, a plain number is the constant one. What is built maps the progress
    of training, from 0 at the start to 1 at the end, to the number.
    """

    family: ClassVar[str] = "schedule"
    _shorthand: ClassVar[str] = "a number, a name"

    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"type": "constant", "value": value}
        if isinstance(value, str) and _is_number(value):
            raise PydanticCustomError(
                "component", "{text} is a text; write a number", {"text": json.dumps(value)}
            )
        return super()._from_shorthand(value)

    @abstractmethod
    def build(self) -> ScheduleFunction:
        """Build the function from progress in [0, 1] to the number."""

    @abstractmethod
    def values(self) -> Iterator[float]:
        """Yield values that bound the schedule, so that a field can check its range."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Optimizer(Component):
    """A rule that updates weights by their gradients."""

    family: ClassVar[str] = "optimizer"

    lr: Schedule = choice("constant", value=2e-4, description="Learning rate.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest norm of all gradients of the network together; longer ones are scaled"
        " down to it. Null: no limit.",
    )

    @model_validator(mode="after")
    def _refuse_negative_schedules(self) -> Self:
        for name, schedule in self.schedules().items():
            if min(schedule.values()) < 0:
                raise PydanticCustomError(
                    "negative", "{name} must not become negative", {"name": name}
                )
        return self

    def schedules(self) -> dict[str, Schedule]:
        """Return the scheduled fields; each names a key of the optimizer's parameter groups."""
        return {
            name: value
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Schedule)
        }

    @abstractmethod
    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer; the scheduled numbers are set anew before each of its steps."""
