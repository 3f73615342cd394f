"""Algorithms: which networks there are, and how one training step updates them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from ganzoo.components.base import Component
from ganzoo.components.data import DatasetInfo
from ganzoo.components.losses import Augmentation, AuxiliaryLoss, Regularizer, Setting
from ganzoo.components.networks import Network, Translator
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
    def logged(self) -> tuple[str, ...]:
        """Names of all losses and scores that each step logs; empty if they are not known before."""
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

        The paths of problems are those of the spec, such as ``generator.channels``.
        """
        del data, training
        return ()

    @abstractmethod
    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build networks and optimizers on the training device."""

    @abstractmethod
    def build_sampler(self, data: DatasetInfo) -> Sampler:
        """Build what samples are generated with, on the CPU and with fresh weights.

        Its state dict must have the names and shapes of that of ``Game.sampler``.
        """

    def truncated(self, threshold: float) -> Self:
        """Return the same algorithm, truncated as its generator does it, or else its latents.

        Raises:
            ValueError: there are no latents, or they cannot be truncated so.
        """
        raise ValueError(f"algorithm {self.type!r} has no latents to truncate by {threshold}")


def network_problems(
    path: str,
    network: Network,
    data: DatasetInfo,
    condition: Condition | None,
    sample_shape: tuple[int, ...],
    *,
    source_shape: tuple[int, ...] | None = None,
) -> Iterator[Problem]:
    """Yield what keeps a network from working with samples or their condition.

    Args:
        path: of the network in the spec.
        network: the network.
        data: the description of the data set.
        condition: what the algorithm tells its networks of each sample, or None.
        sample_shape: shape of what the network generates or reads; of discriminators, when packed.
        source_shape: of translators, the shape of what they translate from.
    """
    if network.conditional and condition is None:
        reason = (
            "the data set has neither labels nor other conditions"
            if data.condition is None
            else "the algorithm tells its networks no condition"
        )
        yield Problem(f"{path}.conditional", f"{reason}; set it to false")
    elif network.conditional and condition is not None and condition.kind not in network.accepts:
        kinds = ", ".join(sorted(network.accepts))
        problem = (
            f"the conditions of the data set are {condition.describe()}, and {network.type!r}"
            f" accepts {kinds} only"
        )
        yield Problem(f"{path}.conditional", problem)
    try:
        if isinstance(network, Translator) and source_shape is not None:
            network.check_source(source_shape, sample_shape, condition)
        else:
            network.check(sample_shape, condition)
    except ValueError as error:
        yield Problem(path, str(error))


def adversary_problems(
    setting: Setting,
    training: Training,
    *,
    auxiliary_losses: Sequence[AuxiliaryLoss] = (),
    regularizers: Sequence[Regularizer] = (),
    augmentation: Augmentation | None = None,
) -> Iterator[Problem]:
    """Yield what keeps a discriminator and its losses from working together, for ``Algorithm.check``.

    The paths are those of fields ``discriminator``, ``auxiliary_losses``, ``regularizers`` and
    ``augmentation``. The arguments are those of ``ganzoo.training.Adversary``.
    """
    discriminator, part = setting.discriminator, setting.batch_size
    shape = discriminator.packed_shape(setting.samples.shape)
    yield from network_problems(
        "discriminator", discriminator, setting.data, setting.condition, shape
    )
    if part % discriminator.pack:
        yield Problem(
            "discriminator.pack",
            f"parts of {part} samples cannot be divided into packs of {discriminator.pack};"
            " choose another training.batch_size",
        )
    elif discriminator.pack > 1 and training.last_batch == "keep":
        yield Problem(
            "training.last_batch",
            "the last batch may not be divisible into packs; set it to 'drop'",
        )
    for index, auxiliary in enumerate(auxiliary_losses):
        missing = sorted(auxiliary.needs - discriminator.provides)
        if missing:
            provided = ", ".join(sorted(discriminator.provides))
            yield Problem(
                f"auxiliary_losses.{index}",
                f"{auxiliary.type!r} needs {' and '.join(missing)} from the discriminator, and"
                f" {discriminator.type!r} provides {provided}",
            )
    for index, regularizer in enumerate(regularizers):
        if regularizer.side == "generator" and "real" in regularizer.needs_gradient:
            yield Problem(
                f"regularizers.{index}",
                f"{regularizer.type!r} needs a gradient at real samples, which the generator's side"
                " has no pass over; its plugin is at fault",
            )
    parts: list[tuple[str, AuxiliaryLoss | Regularizer | Augmentation]] = [
        *((f"auxiliary_losses.{index}", each) for index, each in enumerate(auxiliary_losses)),
        *((f"regularizers.{index}", each) for index, each in enumerate(regularizers)),
    ]
    if augmentation is not None:
        parts.append(("augmentation", augmentation))
    for path, each in parts:
        try:
            each.check(setting)
        except ValueError as error:
            yield Problem(path, str(error))
