"""A moving average of weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

Averaged = TypeVar("Averaged", bound=nn.Module)


class MovingAverage(Generic[Averaged]):
    """A copy of a network whose weights follow the network's slowly.

    Averaging generators over training was proposed for GANs by Yazici et al. (The Unusual
    Effectiveness of Averaging in GAN Training, 2019, arXiv:1806.04498). Buffers, such as the running
    statistics of batch norm, are copied and not averaged: they are averages already. What a
    parametrization estimates, such as the singular vectors of spectral norm, is estimated for the
    averaged weights, by one power iteration an update as in training.

    Attributes:
        network: the averaged copy, in evaluation mode.
    """

    def __init__(self, source: Averaged, decay: Callable[[float], float], *, ramp_up: bool) -> None:
        self.network = copy.deepcopy(source).eval().requires_grad_(False)
        self._decay = decay
        self._ramp_up = ramp_up
        self._averaged: list[torch.Tensor] = list(self.network.parameters())
        self._followed = [parameter.detach() for parameter in source.parameters()]
        self._parametrizations = [
            module
            for module in self.network.modules()
            if isinstance(module, ParametrizationList) and any(True for _ in module.buffers())
        ]
        computed = {id(each) for part in self._parametrizations for each in part.buffers()}
        pairs = zip(self.network.buffers(), source.buffers(), strict=True)
        followed = [(copied, buffer) for copied, buffer in pairs if id(copied) not in computed]
        self._copies = [copied for copied, _ in followed]
        self._buffers = [buffer for _, buffer in followed]

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
        for part in self._parametrizations:
            part.train()()  # brings its buffers up to date, which evaluation mode does not
            part.eval()
