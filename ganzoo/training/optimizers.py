"""An optimizer whose numbers follow their schedules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from ganzoo import components
from ganzoo.training.eager import build_optimizer, undecorated


class ScheduledOptimizer:
    """One network's optimizer: gradients in, clipping, scaling, scheduled numbers, one step.

    Args:
        spec: the optimizer component.
        parameters: what it updates.
        scaler: scales the loss where gradients are float16, else a disabled one.
    """

    def __init__(
        self,
        spec: components.Optimizer,
        parameters: Iterable[nn.Parameter],
        scaler: torch.amp.GradScaler,
    ) -> None:
        self.parameters = list(parameters)
        self.optimizer = build_optimizer(spec, self.parameters)
        self._step = undecorated(self.optimizer, "step")
        self.scaler = scaler
        self._clip_norm = spec.clip_norm
        self._schedules = {name: each.build() for name, each in spec.schedules().items()}
        self._varying = {
            name: self._schedules[name]
            for name, each in spec.schedules().items()
            if len(set(each.values())) > 1
        }
        self._set(self._schedules, 0.0)

    def start(self, progress: float) -> None:
        """Begin a step: set the scheduled numbers and forget the last gradients."""
        if self._varying:
            self._set(self._varying, progress)
        for parameter in self.parameters:
            parameter.grad = None

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a loss."""
        scaled: torch.Tensor = self.scaler.scale(loss)
        torch.autograd.backward(scaled)

    def finish(self) -> None:
        """Clip the gradients where asked to, and update the weights."""
        if self._clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self._clip_norm)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self._step()

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer's state as torch lays it out."""
        state: dict[str, Any] = undecorated(self.optimizer, "state_dict")()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        undecorated(self.optimizer, "load_state_dict")(state)

    def _set(self, schedules: dict[str, components.ScheduleFunction], progress: float) -> None:
        for name, schedule in schedules.items():
            value = schedule(progress)
            for group in self.optimizer.param_groups:
                group[name] = value
