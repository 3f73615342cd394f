"""Callbacks: stop a run at a bound, and lower learning rates where a run gets no better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Callback, CallbackSetting, CallbackState, Control
from ganzoo.errors import TrainingError, did_you_mean

MOST_MISSING = 20
"""Lines in a row without a lazy regularizer after which it counts as one that is never logged."""


class StopAt(Callback):
    """Stops a run when a number has stayed above or below a bound.

    It is a number of metrics.jsonl, such as a loss that runs away, or one that is evaluated, such as an
    FID that is good enough.
    """

    type: Literal["stop_at"] = "stop_at"

    quantity: str = Field(
        min_length=1,
        description="Name of a logged number, such as loss/generator, or of an evaluated quantity, such"
        " as fd, or in full fd@lenet-mnist.",
    )
    above: float | None = Field(default=None, description="Stop where the number is above this.")
    below: float | None = Field(default=None, description="Stop where the number is below this.")
    checks: int = Field(
        default=1,
        ge=1,
        description="Logged lines, or evaluations, in a row in which the number is so.",
    )

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise PydanticCustomError("bounds", "give 'above' or 'below', and one of them only")
        return self

    def check(self, setting: CallbackSetting) -> None:
        """Refuse quantities that are not evaluated, and losses or scores that are not logged."""
        if not _is_logged(self.quantity):
            setting.find(self.quantity)
        elif (
            setting.logged
            and self.quantity.startswith(("loss/", "score/"))
            and self.quantity not in setting.logged
        ):
            known = ", ".join(setting.logged)
            suggestion = did_you_mean(self.quantity, setting.logged)
            raise ValueError(f"{self.quantity!r} is not logged{suggestion} (available: {known})")

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build what counts."""
        name = self.quantity if _is_logged(self.quantity) else setting.find(self.quantity)
        return _StopAt(self, name)


class _StopAt(CallbackState):
    """Counts the checks in a row in which a number is beyond its bound."""

    def __init__(self, component: StopAt, name: str) -> None:
        self._component, self._name, self._count, self._missing = component, name, 0, 0

    def on_log(self, step: int, metrics: Mapping[str, float], control: Control) -> None:
        del step
        if not _is_logged(self._name):
            return
        if self._name in metrics:
            self._missing = 0
            self._see(metrics[self._name], control)
            return
        self._missing += 1
        lazy = self._name.startswith("regularizer/")  # which is not in each line
        if not lazy or self._missing == MOST_MISSING:
            known = [name for name in metrics if _is_logged(name)]
            raise TrainingError(
                f"callback 'stop_at': {self._name!r} is not logged{did_you_mean(self._name, known)}"
                f" (available: {', '.join(known)})"
            )

    def on_evaluation(self, step: int, values: Mapping[str, float], control: Control) -> None:
        del step
        if self._name in values:  # it is not where it was undefined for these samples
            self._see(values[self._name], control)

    def _see(self, value: float, control: Control) -> None:
        wanted = self._component
        above = wanted.above is not None and value > wanted.above
        below = wanted.below is not None and value < wanted.below
        self._count = self._count + 1 if above or below else 0
        if self._count >= wanted.checks:
            bound = f"above {wanted.above}" if above else f"below {wanted.below}"
            times = "" if wanted.checks == 1 else f", {wanted.checks} times in a row"
            control.stop(f"{self._name} is {value:.6g}, {bound}{times}")

    def state_dict(self) -> dict[str, Any]:
        return {"count": self._count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._count = state["count"]


class ReduceOnPlateau(Callback):
    """Multiplies learning rates by a factor when an evaluated quantity has stopped improving."""

    type: Literal["reduce_on_plateau"] = "reduce_on_plateau"

    quantity: str = Field(
        min_length=1,
        description="Name of the evaluated quantity, such as fd, or in full fd@lenet-mnist.",
    )
    patience: int = Field(
        default=3, ge=1, description="Evaluations in a row without a new best that are accepted."
    )
    factor: float = Field(
        default=0.5, gt=0, lt=1, description="What the learning rates are multiplied by each time."
    )
    smallest: float = Field(
        default=0.0, ge=0, lt=1, description="Product of all factors that is not fallen below."
    )
    optimizers: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        default=("generator", "discriminator"),
        description="Names of the optimizers whose learning rates are changed.",
    )

    def check(self, setting: CallbackSetting) -> None:
        """Refuse quantities that are not evaluated, and optimizers that there are not."""
        name = setting.find(self.quantity)
        if setting.quantities[name] is None:
            raise ValueError(f"no values of {name} are better than others; choose another quantity")
        for name in self.optimizers:
            if setting.optimizers and name not in setting.optimizers:
                known = ", ".join(setting.optimizers)
                raise ValueError(f"the run has no optimizer {name!r} (available: {known})")

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build what knows the best value."""
        name = setting.find(self.quantity)
        return _ReduceOnPlateau(self, name, lower=setting.quantities[name] == "lower")


class _ReduceOnPlateau(CallbackState):
    """Knows the best value, the evaluations since, and the product of factors so far."""

    def __init__(self, component: ReduceOnPlateau, name: str, *, lower: bool) -> None:
        self._component, self._name, self._lower = component, name, lower
        self._best: float | None = None
        self._since, self._product = 0, 1.0

    def on_evaluation(self, step: int, values: Mapping[str, float], control: Control) -> None:
        del step
        wanted = self._component
        if self._name not in values:
            return  # it was undefined for these samples
        value, best = values[self._name], self._best
        if best is None or (value < best if self._lower else value > best):
            self._best, self._since = value, 0
            return
        self._since += 1
        if self._since < wanted.patience or self._product <= wanted.smallest:
            return
        self._since, self._product = 0, max(self._product * wanted.factor, wanted.smallest)
        reason = (
            f"{self._name} has not been better than {best:.6g} for {wanted.patience} evaluations"
        )
        for optimizer in wanted.optimizers:
            control.scale(optimizer, "lr", self._product, reason)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best, "since": self._since, "product": self._product}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._best, self._since, self._product = state["best"], state["since"], state["product"]


def _is_logged(quantity: str) -> bool:
    """Say whether a name is that of a logged number; quantities of evaluations have no slash."""
    return "/" in quantity
