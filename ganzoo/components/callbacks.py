"""Callbacks: what acts on a run while it is trained. Hooks of plugins only watch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganzoo.components.base import Component
from ganzoo.components.evaluation import matches_quantity
from ganzoo.errors import did_you_mean

if TYPE_CHECKING:
    from ganzoo.training import Numbers, TrainingView


class Control(ABC):
    """What a callback may do. Every action becomes a line of metrics.jsonl, with the reason."""

    @abstractmethod
    def stop(self, reason: str) -> None:
        """End training after this step; the run is saved and counts as complete."""

    def warn(self, finding: str, reason: str) -> None:
        """Say that something is wrong with the training, which goes on.

        Args:
            finding: what it is, as a program would name it, such as ``collapse``.
            reason: the evidence and what helps, in one line.
        """
        raise NotImplementedError

    @abstractmethod
    def save(self, reason: str) -> None:
        """Write a checkpoint after this step."""

    @abstractmethod
    def scale(self, optimizer: str, field: str, factor: float, reason: str) -> None:
        """Multiply what a schedule gives by a factor, from now on.

        Args:
            optimizer: name of the optimizer, such as ``generator``.
            field: a scheduled field of it, such as ``lr``.
            factor: at least 0; it replaces the callback's earlier factor. Those of several callbacks
                are multiplied.
            reason: why, in words.

        Raises:
            ValueError: the run has no such optimizer or field.
        """

    @abstractmethod
    def log(self, values: Mapping[str, float]) -> None:
        """Add numbers to the line of metrics.jsonl that is written next."""


class CallbackState:
    """What a callback builds: methods that are called during training, with state between the calls.

    Everything that a later call depends on must be in ``state_dict``: it is saved in checkpoints, and a
    resumed run continues with it.
    """

    def on_start(self, training: TrainingView) -> None:
        """Take what may be looked at, before the first step and before a state is loaded.

        Nothing in it may be changed, and no random number drawn from it: a run that is looked at is the
        same run, to the last bit.
        """

    def on_step(self, step: int, numbers: Numbers, control: Control) -> None:
        """Act after any step, on the game's numbers as they are on the device.

        Reading one waits for the device; read many at once, and seldom.
        """

    def on_log(self, step: int, metrics: Mapping[str, float], control: Control) -> None:
        """Act on the numbers of a logged step: means since the last one."""

    def on_evaluation(self, step: int, values: Mapping[str, float], control: Control) -> None:
        """Act on an evaluation; ``values`` holds each number by its name, such as ``fd@lenet-mnist``."""

    def on_save(self, step: int, control: Control) -> None:
        """Act when a checkpoint is due, before it is written; not when a signal asks for one."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as JSON holds it."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state that ``state_dict`` returned."""
        del state


@dataclass(frozen=True)
class CallbackSetting:
    """What a callback will work with, for its ``check``.

    Attributes:
        quantities: what evaluations measure, by names such as ``fd@lenet-mnist``, and which values of
            each are better; empty where the run is not evaluated.
        optimizers: names of the optimizers, such as ``generator``; empty where the algorithm does not
            say them before it is built.
        logged: names of the losses and scores in each line of metrics.jsonl, likewise.
    """

    quantities: Mapping[str, Literal["lower", "higher"] | None]
    optimizers: tuple[str, ...]
    logged: tuple[str, ...] = ()

    def find(self, quantity: str) -> str:
        """Return the full name of an evaluated quantity: ``fd`` stands for ``fd@lenet-mnist``.

        Raises:
            ValueError: no evaluation of the run gives it, or several may be meant.
        """
        found = [name for name in self.quantities if matches_quantity(quantity, name)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(found or self.quantities) or "none"
        problem = "may be any of several" if found else "is not evaluated"
        suggestion = did_you_mean(quantity, self.quantities)
        raise ValueError(f"quantity {quantity!r} {problem}{suggestion} (available: {known})")


class Callback(Component):
    """Something that acts on a run: stops it, saves it, changes a schedule, logs a number."""

    family: ClassVar[str] = "callback"

    def check(self, setting: CallbackSetting) -> None:
        """Refuse a run this callback cannot act on, before anything is built.

        Raises:
            ValueError: the message says what is needed.
        """

    @abstractmethod
    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build the object whose methods are called, for a run that ``check`` accepted."""
