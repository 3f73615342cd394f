"""A moving average of weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import nn

Averaged = TypeVar("Averaged", bound=nn.Module)


class MovingAverage(Generic[Averaged]):
    """A copy of a network whose weights follow the network's slowly.

    Averaging generators over training was proposed for GANs by Yazici et al. (The Unusual
    Effectiveness of Averaging in GAN Training, 2019, arXiv:1806.04498). Buffers, such as the running
    statistics of batch norm, are copied and not averaged: they are averages already.

    Attributes:
        network: the averaged copy, in evaluation mode.
    """

    def __init__(self, source: Averaged, decay: Callable[[float], float], *, ramp_up: bool) -> None:
        self.network = copy.deepcopy(source).eval().requires_grad_(False)
        self._decay = decay
        self._ramp_up = ramp_up
        self._averaged: list[torch.Tensor] = list(self.network.parameters())
        self._followed = [parameter.detach() for parameter in source.parameters()]
        self._copies = list(self.network.buffers())
        self._buffers = list(source.buffers())

    @torch.no_grad()
    def update(self, step: int, progress: float) -> None:
        """Follow the network after a step.

        Args:
            step: steps taken, 1 after the first.
            progress: portion of training done.
        """
        decay = self._decay(progress)
        if self._ramp_up:
            decay = min(decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, self._followed, 1 - decay)
        if self._copies:
            torch._foreach_copy_(self._copies, self._buffers)
