"""What this package offers to ganzoo: the algorithm, and a small translator to use it with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import (
    Algorithm,
    Component,
    Condition,
    DatasetInfo,
    Discriminator,
    Loss,
    Optimizer,
    Setting,
    Translator,
    adversary_problems,
    component_field,
    network_problems,
)
from ganzoo.errors import Problem

if TYPE_CHECKING:
    from torch import nn

    from ganzoo.training import Game, Training, TrainingContext, TranslatingSampler


class CycleGAN(Algorithm):
    """Two translators between two domains, each with a discriminator of what it generates."""

    type: Literal["cyclegan"] = "cyclegan"
    paper: ClassVar[str | None] = (
        "Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,"
        " 2017, arXiv:1703.10593"
    )

    generator: Translator = Field(
        description="The translator, built twice: from source to sample, and back."
    )
    discriminator: Discriminator = Field(
        description="Tells real images of a domain from translated ones; built for each domain."
    )
    loss: Loss = component_field("bce", description="What translators and discriminators minimize.")
    cycle_weight: float = Field(
        default=10.0, ge=0, description="Factor on how far images change there and back."
    )
    identity_weight: float = Field(
        default=5.0,
        ge=0,
        description="Factor on how far a translator changes images of its target domain.",
    )
    pool: int = Field(
        default=50,
        ge=0,
        description="Translated images kept to show to the discriminators again. 0: none.",
    )
    generator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of both translators."
    )
    discriminator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of both discriminators."
    )

    @property
    def optimizers(self) -> tuple[str, ...]:
        """One for the translators, one for the discriminators."""
        return ("generator", "discriminator")

    def settings(self, data: DatasetInfo, training: Training) -> dict[str, Setting]:
        """Return what the discriminator of each domain works with."""
        part = training.batch_size // training.accumulation
        spaces = {"target": data.samples, "source": data.source or data.samples}
        return {
            name: Setting(data, space, None, self.discriminator, batch_size=part)
            for name, space in spaces.items()
        }

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit together."""
        if data.source is None:
            yield Problem("dataset", "has no sources to translate from; use such as 'unpaired'")
            return
        target, source = data.samples.shape, data.source.shape
        for shapes in dict.fromkeys([(source, target), (target, source)]):
            yield from network_problems(
                "generator", self.generator, data, None, shapes[1], source_shape=shapes[0]
            )
        for setting in self.settings(data, training).values():
            yield from adversary_problems(setting, training)
        if self.identity_weight and source != target:
            yield Problem(
                "identity_weight",
                f"sources {source} and samples {target} have different shapes; set it to 0",
            )
        if self.pool and self.pool < training.batch_size:
            yield Problem("pool", f"must hold a batch of {training.batch_size}, or be 0")

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the networks and their optimizers."""
        from ganzoo_cyclegan.game import CycleGame

        return CycleGame(self, data, context)

    def build_sampler(self, data: DatasetInfo) -> TranslatingSampler:
        """Build the translator from source to sample."""
        from ganzoo.training import TranslatingSampler

        return TranslatingSampler(self.translator(data, back=False))

    def translator(self, data: DatasetInfo, *, back: bool) -> nn.Module:
        """Build the translator of one direction."""
        from ganzoo.nn import parametrized

        assert data.source is not None
        shapes = [data.source.shape, data.samples.shape]
        source, target = reversed(shapes) if back else shapes
        return parametrized(self.generator.build(source, target, None), self.generator)


class Residual(Translator):
    """A small residual translator between images of one size."""

    type: Literal["residual"] = "residual"

    channels: int = Field(default=8, ge=1, description="Channels of the hidden layer.")

    def check_source(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> None:
        """Refuse what are not images of one shape."""
        if len(source_shape) != 3 or source_shape != sample_shape:
            raise ValueError(
                f"'residual' translates between images of one shape, not from {source_shape} to"
                f" {sample_shape}"
            )

    def build(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> nn.Module:
        """Build the network."""
        from ganzoo_cyclegan.networks import Residual

        return Residual(source_shape[0], self.channels)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the algorithm and the translator."""
    return [CycleGAN, Residual]
