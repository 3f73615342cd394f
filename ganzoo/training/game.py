"""What an algorithm builds: named networks, their optimizers, and one training step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganzoo.components import Optimizer
from ganzoo.data.batches import Batch
from ganzoo.sampling import Sampler
from ganzoo.spec import Training
from ganzoo.training.numerics import autocast, fastest_memory_format, grad_scaler
from ganzoo.training.optimizers import Numbers, OptimizerStep

if TYPE_CHECKING:
    from ganzoo.training.adversary import Adversary


@dataclass(frozen=True)
class TrainingContext:
    """How to train, for whatever is built on the training device.

    Attributes:
        training: the spec's ``training``.
        device: where to train.
        dtype: number format of weights and samples.
        rng: source of randomness on the device; its state is part of every checkpoint.
    """

    training: Training
    device: torch.device
    dtype: torch.dtype
    rng: torch.Generator

    def place(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, in the number format and the memory layout to train in."""
        module.to(self.device, self.dtype)
        return module.to(memory_format=fastest_memory_format(module))

    def compiled(self, network: nn.Module) -> nn.Module:
        """Return a network as it is called in training: compiled where the spec asks for it."""
        # What torch.compile returns is a module, typed as a callable.
        return torch.compile(network) if self.training.compile else network  # type: ignore[return-value]

    def autocast(self, *, enabled: bool = True) -> AbstractContextManager[object]:
        """Return the context in which networks compute: mixed precision where the spec asks for it."""
        return autocast(self.training.precision if enabled else "float32", self.device)

    def optimizer(self, component: Optimizer, **modules: nn.Module) -> OptimizerStep:
        """Build the optimizer of some modules.

        Args:
            component: the optimizer, as the spec has it.
            modules: what it trains; patterns of ``lr_factors`` begin with these names.
        """
        parameters = [
            (f"{prefix}.{name}", parameter)
            for prefix, module in modules.items()
            for name, parameter in module.named_parameters()
        ]
        return OptimizerStep(
            component, parameters, grad_scaler(self.training.precision, self.device)
        )

    def split(self, batch: Batch) -> list[tuple[Batch, float | None]]:
        """Return the parts of a batch whose gradients are accumulated.

        Returns:
            Each part with its weight in the mean over the batch; the weight of a whole batch is None.
        """
        parts = self.training.accumulation
        if parts == 1:
            return [(batch, None)]
        return [(part, len(part) / len(batch)) for part in batch.chunk(parts)]


class Game(ABC):
    """Networks that are trained against each other.

    Attributes:
        networks: all modules with state, by name: networks, learned latents, augmentations and
            regularizers with buffers. They are saved in checkpoints.
        optimizers: by name.
        sampler: what samples are generated with. Its parts are networks of the game; it is averaged
            where the spec asks for an average, and it is what a run is sampled with.
        adversaries: the discriminators that callbacks such as the watchdog look at; may be empty.
    """

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, OptimizerStep]
    sampler: Sampler
    adversaries: Sequence[Adversary] = ()

    @abstractmethod
    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take one step of every network.

        Args:
            next_batch: gives the next real samples; called ``Algorithm.batches_per_step`` times.
            step: number of steps taken before this one.
            progress: fraction of training done before this step, in [0, 1).

        Returns:
            Numbers to log; ``loss/discriminator`` and ``loss/generator`` are shown during training.
        """

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout in which the networks want images."""
        return fastest_memory_format(nn.ModuleList(self.networks.values()))
