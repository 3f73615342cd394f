"""The standard algorithm: one generator against one discriminator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import (
    Algorithm,
    Augmentation,
    AuxiliaryLoss,
    Component,
    Condition,
    DatasetInfo,
    Discriminator,
    Generator,
    Latent,
    Loss,
    Optimizer,
    Regularizer,
    Setting,
    adversary_problems,
    component_field,
    network_problems,
)
from ganzoo.errors import Problem

if TYPE_CHECKING:
    from ganzoo.sampling import LatentSampler
    from ganzoo.spec import Training
    from ganzoo.training import Adversary, Game, TrainingContext


class StandardAlgorithm(Algorithm):
    """The fields of the standard algorithm, and what must fit together.

    Variants of the algorithm subclass it: they add fields and build another game.
    """

    latent: Latent = component_field("normal", description="Distribution of the generator's input.")
    generator: Generator = Field(description="The network that generates samples.")
    discriminator: Discriminator = Field(
        description="The network that tells real samples from generated ones."
    )
    loss: Loss = component_field("bce", description="What the two networks minimize.")
    auxiliary_losses: Annotated[tuple[AuxiliaryLoss, ...], Field(strict=False)] = Field(
        default=(), description="Further terms of the discriminator's loss and of the generator's."
    )
    regularizers: Annotated[tuple[Regularizer, ...], Field(strict=False)] = Field(
        default=(), description="Penalties added to the loss of a network."
    )
    augmentation: Augmentation | None = Field(
        default=None,
        description="Change applied to all samples that the discriminator sees. Null: none.",
    )
    generator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the generator, and of the latent where that is learned."
    )
    discriminator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the discriminator."
    )
    discriminator_steps: int = Field(
        default=1, ge=1, le=1000, description="Discriminator steps for each generator step."
    )
    reuse_fakes: bool = Field(
        default=True,
        description="Whether the generator's step uses the samples of the discriminator's last step"
        " again, instead of generating new ones.",
    )

    @model_validator(mode="after")
    def _check_conditional(self) -> Self:
        if self.generator.conditional != self.discriminator.conditional:
            raise PydanticCustomError(
                "conditional",
                "generator.conditional is {generator} and discriminator.conditional is"
                " {discriminator}; both networks are told the condition, or neither",
                {
                    "generator": str(self.generator.conditional).lower(),
                    "discriminator": str(self.discriminator.conditional).lower(),
                },
            )
        return self

    @property
    def optimizers(self) -> tuple[str, ...]:
        return ("generator", "discriminator")

    @property
    def batches_per_step(self) -> int:
        """One batch for each step of the discriminator."""
        return self.discriminator_steps

    def condition(self, data: DatasetInfo) -> Condition | None:
        """Return the data set's condition, where the networks are told it."""
        return data.condition if self.generator.conditional else None

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit: networks, conditions, packs, losses, regularizers, augmentation."""
        condition = self.condition(data)
        yield from network_problems("generator", self.generator, data, condition, data.sample_shape)
        yield from adversary_problems(
            self.setting(data, training),
            training,
            auxiliary_losses=self.auxiliary_losses,
            regularizers=self.regularizers,
            augmentation=self.augmentation,
        )

    def setting(self, data: DatasetInfo, training: Training) -> Setting:
        """Return what losses, regularizers and the augmentation work with."""
        return Setting(
            data,
            data.samples,
            self.condition(data),
            self.discriminator,
            self.generator,
            self.latent,
            training.batch_size // training.accumulation,
        )

    def build_adversary(
        self, data: DatasetInfo, context: TrainingContext, name: str = "discriminator"
    ) -> Adversary:
        """Build the discriminator with its losses, regularizers and augmentation."""
        from ganzoo.training import Adversary

        return Adversary(
            context,
            self.setting(data, context.training),
            loss=self.loss,
            auxiliary_losses=self.auxiliary_losses,
            regularizers=self.regularizers,
            augmentation=self.augmentation,
            name=name,
        )

    def truncated(self, threshold: float) -> Self:
        generator = self.generator.truncated(threshold)
        if generator is not None:
            return self.model_copy(update={"generator": generator})
        return self.model_copy(update={"latent": self.latent.truncated(threshold)})

    def build_sampler(self, data: DatasetInfo) -> LatentSampler:
        from ganzoo.nn import parametrized
        from ganzoo.sampling import LatentSampler

        condition = self.condition(data)
        generator = self.generator.build(self.latent.dim, data.sample_shape, condition)
        return LatentSampler(
            parametrized(generator, self.generator),
            self.latent.build(),
            self.latent.dim,
            condition=condition,
            uses_noise=self.generator.uses_noise,
        )


class GAN(StandardAlgorithm):
    """One generator against one discriminator, taking steps in turn."""

    type: Literal["gan"] = "gan"
    paper: ClassVar[str | None] = (
        "Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661"
    )

    @property
    def logged(self) -> tuple[str, ...]:
        """Names of the losses and scores."""
        return ("loss/generator", "loss/discriminator", "score/real", "score/fake")

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        from ganzoo.builtin.standard_game import StandardGame

        return StandardGame(self, data, context)


COMPONENTS: tuple[type[Component], ...] = (GAN,)
