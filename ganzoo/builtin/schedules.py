"""Numbers that change in the course of training; progress runs from 0 to 1."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Schedule

Portions = Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False)]


class Constant(Schedule):
    """The same number throughout; a plain number in a spec means this."""

    type: Literal["constant"] = "constant"
    value: float = Field(description="The number.")

    def to_shorthand(self) -> float:
        return self.value

    def values(self) -> Iterator[float]:
        yield self.value

    def build(self) -> Callable[[float], float]:
        return lambda _: self.value


class _Between(Schedule):
    """A way from one number to another."""

    start: float = Field(description="Number at the start of training.")
    end: float = Field(default=0.0, description="Number at its end.")

    def values(self) -> Iterator[float]:
        yield from (self.start, self.end)


class Linear(_Between):
    """A straight line from one number to another."""

    type: Literal["linear"] = "linear"

    def build(self) -> Callable[[float], float]:
        return lambda progress: self.start + (self.end - self.start) * progress


class Cosine(_Between):
    """Half a cosine wave from one number to another, flat at both ends."""

    type: Literal["cosine"] = "cosine"
    paper: ClassVar[str | None] = (
        "Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017,"
        " arXiv:1608.03983"
    )

    def build(self) -> Callable[[float], float]:
        return lambda progress: (
            self.end + (self.start - self.end) * (1 + math.cos(math.pi * progress)) / 2
        )


class Step(Schedule):
    """A staircase: one number after another, changing at given portions of training."""

    type: Literal["step"] = "step"
    numbers: Annotated[tuple[float, ...], Field(strict=False)] = Field(
        min_length=1, description="The numbers, first to last."
    )
    at: Portions = Field(
        description="Portions of training in (0, 1), rising, at which the next number begins."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_portions(self.at, len(self.numbers))
        return self

    def values(self) -> Iterator[float]:
        yield from self.numbers

    def build(self) -> Callable[[float], float]:
        return lambda progress: self.numbers[bisect.bisect_right(self.at, progress)]


class WarmUp(Schedule):
    """Another schedule, multiplied by a line from 0 to 1 over the first portion of training."""

    type: Literal["warmup"] = "warmup"
    paper: ClassVar[str | None] = (
        "Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017,"
        " arXiv:1706.02677"
    )
    portion: float = Field(
        default=0.05, gt=0, le=1, description="Portion of training over which the number rises."
    )
    then: Schedule = Field(description="The schedule that is risen to.")

    def values(self) -> Iterator[float]:
        yield 0.0
        yield from self.then.values()

    def build(self) -> Callable[[float], float]:
        then = self.then.build()
        return lambda progress: min(1.0, progress / self.portion) * then(progress)


class Sequence(Schedule):
    """Schedules one after another, each running from its own 0 to its own 1."""

    type: Literal["sequence"] = "sequence"
    parts: Annotated[tuple[Schedule, ...], Field(strict=False)] = Field(
        min_length=1, description="The schedules, first to last."
    )
    at: Portions = Field(
        description="Portions of training in (0, 1), rising, at which the next schedule begins."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_portions(self.at, len(self.parts))
        return self

    def values(self) -> Iterator[float]:
        for part in self.parts:
            yield from part.values()

    def build(self) -> Callable[[float], float]:
        functions = [part.build() for part in self.parts]
        bounds = (0.0, *self.at, 1.0)

        def value(progress: float) -> float:
            index = bisect.bisect_right(self.at, progress)
            begin, end = bounds[index], bounds[index + 1]
            return functions[index]((progress - begin) / (end - begin))

        return value


def _check_portions(at: tuple[float, ...], parts: int) -> None:
    if len(at) != parts - 1 or list(at) != sorted(set(at)):
        raise PydanticCustomError(
            "portions",
            "'at' needs {count} rising portions for {parts} parts",
            {"count": parts - 1, "parts": parts},
        )


COMPONENTS: tuple[type[Component], ...] = (Constant, Linear, Cosine, Step, WarmUp, Sequence)
