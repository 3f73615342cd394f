"""What this package offers to ganzoo; callbacks are plain Python, and need no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import Callback, CallbackSetting, CallbackState, Component, Control


class StopWhenScoresPart(Callback):
    """Stops a run whose discriminator tells real from generated samples too well."""

    type: Literal["stop_when_scores_part"] = "stop_when_scores_part"
    gap: float = Field(default=10.0, description="Difference of the mean logits that is too much.")
    lines: int = Field(default=3, ge=1, description="Logged steps in a row that it is too much.")

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build the watch."""
        return _Parted(self.gap, self.lines)


class _Parted(CallbackState):
    def __init__(self, gap: float, lines: int) -> None:
        self.gap, self.lines, self.seen = gap, lines, 0

    def on_log(self, step: int, metrics: Mapping[str, float], control: Control) -> None:
        gap = metrics["score/real"] - metrics["score/fake"]
        self.seen = self.seen + 1 if gap > self.gap else 0
        control.log({"watchdog/seen": self.seen})
        if self.seen == self.lines:
            control.stop(f"the scores have been {self.gap} apart for {self.lines} lines")

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.seen = state["seen"]


class SlowDown(Callback):
    """Halves a learning rate at each evaluation that is no better than the best, and saves."""

    type: Literal["slow_down"] = "slow_down"
    quantity: str = Field(description="Name of the quantity; lower is better.")
    optimizer: str = Field(default="generator", description="Whose learning rate is halved.")

    def check(self, setting: CallbackSetting) -> None:
        """Refuse what the run does not have."""
        setting.find(self.quantity)

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build the watch."""
        return _SlowDown(setting.find(self.quantity), self.optimizer)


class _SlowDown(CallbackState):
    def __init__(self, quantity: str, optimizer: str) -> None:
        self.quantity, self.optimizer = quantity, optimizer
        self.best, self.factor = float("inf"), 1.0

    def on_evaluation(self, step: int, values: Mapping[str, float], control: Control) -> None:
        value = values[self.quantity]
        if value >= self.best:
            self.factor /= 2
            control.scale(self.optimizer, "lr", self.factor, f"{value:.4g} is no better")
            control.save("before it goes on more slowly")
        self.best = min(value, self.best)

    def state_dict(self) -> dict[str, Any]:
        return {"best": None if self.best == float("inf") else self.best, "factor": self.factor}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.factor = state["factor"]
        self.best = float("inf") if state["best"] is None else state["best"]


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return both callbacks."""
    return [StopWhenScoresPart, SlowDown]
