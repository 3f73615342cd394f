"""What an algorithm builds: named networks, their optimizers, and one training step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ganzoo.components import DatasetInfo
from ganzoo.data.batches import Batch
from ganzoo.spec import RunSpec
from ganzoo.training.optimizers import ScheduledOptimizer


@dataclass(frozen=True)
class GameContext:
    """What a game is built from.

    Attributes:
        spec: the whole run.
        info: what the data set says of itself.
        device: where to train.
        dtype: number format of weights and samples.
        rng: source of randomness on the device; its state is part of every checkpoint.
    """

    spec: RunSpec
    info: DatasetInfo
    device: torch.device
    dtype: torch.dtype
    rng: torch.Generator


class Game(ABC):
    """Networks that are trained against each other.

    Attributes:
        networks: all that is trained, by name; ``generator`` and ``latent`` are always there.
        optimizers: by name.
        memory_format: the layout in which the networks want images.
    """

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, ScheduledOptimizer]
    memory_format: torch.memory_format

    @abstractmethod
    def step(
        self, next_batch: Callable[[], Batch], step: int, progress: float
    ) -> dict[str, torch.Tensor]:
        """Take one step of every network.

        Args:
            next_batch: gives the next real samples; called once a discriminator step.
            step: number of steps taken before this one.
            progress: portion of training done before this step, in [0, 1).

        Returns:
            Scalars worth logging, detached, still on the device: reading one here would wait for it.
        """
