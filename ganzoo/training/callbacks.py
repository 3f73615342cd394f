"""The callbacks of a run: told of events, and heard by the training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.components import Callback, CallbackSetting, CallbackState, Control
from ganzoo.data.split import Split
from ganzoo.errors import TrainingError, in_a_line
from ganzoo.training.game import Game
from ganzoo.training.optimizers import Numbers, OptimizerStep

RESERVED = frozenset(
    ("action", "callback", "epoch", "images_per_second", "reason", "seconds", "step")
)
"""Keys of metrics.jsonl that have a meaning of their own."""


@dataclass(frozen=True)
class TrainingView:
    """What callbacks may look at, and must leave as it is.

    Attributes:
        game: networks and optimizers; gradients are those of the last update.
        split: the samples that are trained on.
        held_out: opens the data set's test split; None where it has none that can be read, or where
            the run is trained on it.
        epoch: steps of one pass over the data.
        seed: the run's, to derive others from.
    """

    game: Game
    split: Split
    held_out: Callable[[], Split | None]
    epoch: float
    seed: int


class Callbacks:
    """All callbacks of a run, in the order of the spec.

    Attributes:
        stopped: why a callback ended training, or None.
        save_requested: whether one asked for a checkpoint after this step.
        logged: numbers that go into the next line of metrics.
    """

    def __init__(
        self,
        components: tuple[Callback, ...],
        setting: CallbackSetting,
        optimizers: Mapping[str, OptimizerStep],
    ) -> None:
        self._components = [each.model_dump(mode="json") for each in components]
        self._parts = [(each.type, each.build(setting)) for each in components]
        self._each_step = [
            (index, name, part)
            for index, (name, part) in enumerate(self._parts)
            if type(part).on_step is not CallbackState.on_step
        ]
        self._optimizers = optimizers
        self._record: Callable[[dict[str, Any]], None] = lambda _: None
        self.stopped: str | None = None
        self.save_requested = False
        self.logged: dict[str, float] = {}

    def record_to(self, record: Callable[[dict[str, Any]], None]) -> None:
        """Write each action by a function that takes a line of metrics."""
        self._record = record

    def on_start(self, training: TrainingView) -> None:
        """Show the training before it begins."""
        self._call(0, lambda part, _: part.on_start(training))

    def on_step(self, step: int, numbers: Numbers) -> None:
        """Tell of any step those who want to hear of each."""
        for index, name, part in self._each_step:
            self._guarded(name, part.on_step, step, numbers, _Control(self, index, name, step))

    def on_log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of a logged step."""
        self._call(step, lambda part, control: part.on_log(step, metrics, control))

    def on_evaluation(self, step: int, values: Mapping[str, float]) -> None:
        """Tell of an evaluation."""
        self._call(step, lambda part, control: part.on_evaluation(step, values, control))

    def on_save(self, step: int) -> None:
        """Tell of a checkpoint that is due."""
        self._call(step, lambda part, control: part.on_save(step, control))

    def _call(self, step: int, call: Callable[[CallbackState, Control], None]) -> None:
        for index, (name, part) in enumerate(self._parts):
            self._guarded(name, call, part, _Control(self, index, name, step))

    @staticmethod
    def _guarded(name: str, call: Callable[..., None], *arguments: Any) -> None:
        """Call a callback; an error says in which one it was."""
        try:
            call(*arguments)
        except TrainingError:
            raise
        except Exception as error:
            raise TrainingError(f"callback {name!r} failed: {in_a_line(error)}") from error

    def act(self, step: int, callback: str, action: str, reason: str, **details: Any) -> None:
        """Record an action as a line of metrics."""
        line = {"step": step, "callback": callback, "action": action, **details, "reason": reason}
        self._record(line)

    def scale(self, owner: int, optimizer: str, field: str, factor: float) -> None:
        """Multiply a schedule by a factor of one callback.

        Raises:
            ValueError: the run has no such optimizer or field, or the factor is negative.
        """
        if optimizer not in self._optimizers:
            known = ", ".join(self._optimizers)
            raise ValueError(f"the run has no optimizer {optimizer!r} (available: {known})")
        if not factor >= 0:
            raise ValueError(f"a factor must be at least 0, not {factor}")
        self._optimizers[optimizer].scale(field, factor, str(owner))

    def state_dict(self) -> dict[str, Any]:
        """Return the state as JSON holds it."""
        states = [
            {"component": component, "state": part.state_dict()}
            for component, (_, part) in zip(self._components, self._parts, strict=True)
        ]
        return {"stopped": self.stopped, "logged": self.logged, "states": states}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state."""
        self.stopped, self.logged = state.get("stopped"), dict(state.get("logged", {}))
        for (_, part), saved in zip(self._parts, state.get("states", ()), strict=False):
            part.load_state_dict(saved["state"])

    def adopt(self, state: Mapping[str, Any]) -> list[str]:
        """Take over what another run's callbacks of the same settings know.

        Those of a run that a callback has stopped are left: they would stop this one at once.

        Returns:
            The callbacks that start anew and have a state.
        """
        known = [] if state.get("stopped") else list(state.get("states", ()))
        new = []
        for component, (name, part) in zip(self._components, self._parts, strict=True):
            saved = next((each for each in known if each["component"] == component), None)
            if saved is None:
                new += [f"callback {name}"] if part.state_dict() else []
            else:
                known.remove(saved)
                part.load_state_dict(saved["state"])
        return new


class _Control(Control):
    """What one callback may do at one step."""

    def __init__(self, callbacks: Callbacks, index: int, name: str, step: int) -> None:
        self._callbacks, self._index, self._name, self._step = callbacks, index, name, step

    def stop(self, reason: str) -> None:
        self._callbacks.act(self._step, self._name, "stop", reason)
        self._callbacks.stopped = reason

    def warn(self, finding: str, reason: str) -> None:
        self._callbacks.act(self._step, self._name, "warn", reason, finding=finding)

    def save(self, reason: str) -> None:
        self._callbacks.act(self._step, self._name, "save", reason)
        self._callbacks.save_requested = True

    def scale(self, optimizer: str, field: str, factor: float, reason: str) -> None:
        self._callbacks.scale(self._index, optimizer, field, factor)
        target = f"{optimizer}.{field}"
        self._callbacks.act(self._step, self._name, "scale", reason, target=target, factor=factor)

    def log(self, values: Mapping[str, float]) -> None:
        reserved = sorted(RESERVED & values.keys())
        if reserved:
            raise ValueError(f"numbers cannot be called {' or '.join(reserved)}")
        self._callbacks.logged |= {name: float(value) for name, value in values.items()}
