"""Games that take their steps in other ways than the standard one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganzoo.builtin.standard_game import StandardGame
from ganzoo.components import DatasetInfo
from ganzoo.training import Batch, Numbers, TrainingContext

if TYPE_CHECKING:
    from ganzoo_optimizers.components import Extragradient, LookaheadMinmax


class ExtragradientGame(StandardGame):
    """Steps by the gradients at the point that a first step leads to (Gidel et al. 2019)."""

    def __init__(
        self, algorithm: Extragradient, data: DatasetInfo, context: TrainingContext
    ) -> None:
        super().__init__(algorithm, data, context)
        self._weights: list[torch.Tensor] = [
            each for step in self.optimizers.values() for each in step.parameters
        ]

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Look ahead, go back, and step by the gradients found there."""
        self._differentiate(next_batch(), step, progress)
        here = [weight.detach().clone() for weight in self._weights]
        self._move()
        numbers = self._differentiate(next_batch(), step, progress)
        with torch.no_grad():
            torch._foreach_copy_(self._weights, here)
        return numbers | self._move()

    def _differentiate(self, batch: Batch, index: int, progress: float) -> Numbers:
        """Compute the gradients of both losses at the present weights."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(progress)
        ((generated, _),) = self._generate(batch, with_graph=True)
        loss, numbers = self._adversary.discriminator_loss(generated, index, progress)
        self.optimizers["discriminator"].backward(loss)
        loss, more = self._adversary.generator_loss(generated, index, progress)
        self.optimizers["generator"].backward(loss)
        return numbers | more

    def _move(self) -> Numbers:
        """Let both optimizers step."""
        for optimizer in self.optimizers.values():
            optimizer.step()
        return self._adversary.after_update()


class LookaheadGame(StandardGame):
    """Weights that step back towards where they were some steps ago (Chavdarova et al. 2021)."""

    def __init__(
        self, algorithm: LookaheadMinmax, data: DatasetInfo, context: TrainingContext
    ) -> None:
        super().__init__(algorithm, data, context)
        self._every, self._fraction = algorithm.lookahead_steps, algorithm.lookahead_fraction
        self._fast: list[torch.Tensor] = [
            each for step in self.optimizers.values() for each in step.parameters
        ]
        slow = nn.ParameterList([each.detach().clone() for each in self._fast])
        self._slow = list(slow.requires_grad_(False))
        self.networks = {**self.networks, "lookahead": slow}

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take a step of the standard game, and go back if that is due."""
        if step % self._every == 0:
            with torch.no_grad():
                torch._foreach_copy_(self._slow, self._fast)
        numbers = super().step(next_batch, step, progress)
        if (step + 1) % self._every == 0:
            with torch.no_grad():
                torch._foreach_lerp_(self._fast, self._slow, 1 - self._fraction)
        return numbers
