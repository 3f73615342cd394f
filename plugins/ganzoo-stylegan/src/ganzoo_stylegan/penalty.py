"""Path length regularization (Karras et al. 2020, arXiv:1912.04958, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from ganzoo.components import LossInputs
from ganzoo_stylegan.networks import Mapping


class PathLengthPenalty(nn.Module):
    """mean (‖Jᵀy‖ - a)² of J, the derivative of images by styles, and normal noise y.

    The length of a change of styles is its root mean square over layers. The target a is the moving mean
    of lengths.

    Args:
        decay: portion of the mean that each use keeps.
        shrink: how many times fewer samples than in a batch are generated.
    """

    mean: torch.Tensor

    def __init__(self, decay: float, shrink: int) -> None:
        super().__init__()
        self.decay, self.shrink = decay, shrink
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs: LossInputs) -> torch.Tensor:
        """Return the penalty, and move the mean."""
        assert inputs.latents is not None
        assert inputs.generator is not None
        count = max(1, len(inputs.latents) // self.shrink)
        condition = None if inputs.condition is None else inputs.condition[:count]
        with styles_recorded() as recorded:
            images = inputs.generator(inputs.latents[:count], condition)
        (styles,) = recorded
        noise = torch.randn(images.shape, generator=inputs.rng, device=inputs.rng.device)
        noise = noise.to(images) / math.sqrt(images[0, 0].numel())
        (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = gradient.flatten(1).norm(dim=1) / math.sqrt(styles.shape[1])
        with torch.no_grad():
            self.mean.lerp_(lengths.mean(), 1 - self.decay)
        penalty: torch.Tensor = (lengths - self.mean).square().mean()
        return penalty


@contextmanager
def styles_recorded() -> Iterator[list[torch.Tensor]]:
    """Collect the styles of all samples that are generated inside the block.

    A regularizer gets the generator as a function of latents, and styles are computed inside it.
    """
    recorded: list[torch.Tensor] = []

    def record(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        del inputs
        if isinstance(module, Mapping):
            recorded.append(output)

    handle = register_module_forward_hook(record)
    try:
        yield recorded
    finally:
        handle.remove()
