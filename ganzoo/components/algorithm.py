"""Algorithms: which networks there are, and how one training step updates them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from ganzoo.components.base import Component
from ganzoo.components.data import DatasetInfo
from ganzoo.components.samples import Condition
from ganzoo.errors import Problem

if TYPE_CHECKING:
    from ganzoo.sampling import Sampler
    from ganzoo.spec import Training
    from ganzoo.training.game import Game, TrainingContext


class Algorithm(Component):
    """Named networks and one training step.

    The fields of an algorithm are keys of the spec itself: they stand beside ``algorithm``, ``dataset``
    and ``training``. An algorithm declares what it uses, and any other key is refused.
    """

    family: ClassVar[str] = "algorithm"

    unused: ClassVar[frozenset[str]] = frozenset()
    """Fields of ``training`` that have no effect; a spec that sets one is refused."""

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Names of the optimizers that ``build`` makes, which callbacks refer to."""
        return ()

    @property
    def batches_per_step(self) -> int:
        """Batches that one step takes."""
        return 1

    def condition(self, data: DatasetInfo) -> Condition | None:
        """Return what the networks are told of each sample, or None."""
        del data
        return None

    def check(self, data: DatasetInfo, training: Training) -> Iterable[Problem]:
        """Yield what does not fit together, before anything is built and without torch.

        Args:
            data: the description of the data set.
            training: the spec's ``training``.

        Returns:
            Problems; paths are those of the spec, such as ``generator.channels``.
        """
        del data, training
        return ()

    @abstractmethod
    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build networks and optimizers on the training device."""

    @abstractmethod
    def build_sampler(self, data: DatasetInfo, truncation: float | None = None) -> Sampler:
        """Build what samples are generated with, on the CPU and with fresh weights.

        Its state dict must have the names and shapes of that of ``Game.sampler``.

        Args:
            data: the description of the data set.
            truncation: how much of the distribution of latents is kept, or None for all of it.

        Raises:
            ValueError: there are no latents, or they cannot be truncated so.
        """
