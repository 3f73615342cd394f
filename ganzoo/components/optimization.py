"""Schedules, the numbers that change in the course of training, and optimizers."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components.base import Component, component_field

if TYPE_CHECKING:
    import torch


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
                "component", "must be a number, not the string {text}", {"text": json.dumps(value)}
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

    lr: Schedule = component_field("constant", value=2e-4, description="Learning rate.")
    lr_factors: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Factors on the learning rate of some parameters, by a pattern of their names, such"
        ' as {"generator.mapping.*": 0.01}; the first pattern that matches counts.',
    )
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest norm of all gradients of the network together; longer ones are scaled"
        " down to it. Null: no limit.",
    )

    @model_validator(mode="after")
    def _refuse_negative_schedules(self) -> Self:
        for name, schedule in self.schedules().items():
            parts = schedule if isinstance(schedule, tuple) else (schedule,)
            if min(value for part in parts for value in part.values()) < 0:
                raise PydanticCustomError(
                    "negative", "{name} must not become negative", {"name": name}
                )
        return self

    def schedules(self) -> dict[str, Schedule | tuple[Schedule, ...]]:
        """Return the scheduled fields; each names a key of the optimizer's parameter groups.

        A field that is a tuple of schedules, such as Adam's ``betas``, gives a tuple of numbers.
        """
        return {
            name: value
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Schedule)
            or (isinstance(value, tuple) and value and isinstance(value[0], Schedule))
        }

    @abstractmethod
    def build(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Build the optimizer; the scheduled numbers are set again before each of its steps.

        Args:
            groups: parameter groups as torch's optimizers take them, each with ``params``, a list of
                parameters.
        """
