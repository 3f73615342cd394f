"""Adversarial losses as specs name them; their formulas are in ``objectives``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import AdversarialLoss, Component, Loss, Schedule, component_field

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


class LSGAN(Loss):
    """Least squares: squared distances of logits from targets, without the paper's factors 1/2."""

    type: Literal["lsgan"] = "lsgan"
    paper: ClassVar[str | None] = (
        "Mao et al., Least Squares Generative Adversarial Networks, 2017, arXiv:1611.04076"
    )
    a: float = Field(
        default=0.0,
        description="Target of logits of generated samples in the discriminator's step.",
    )
    b: float = Field(
        default=1.0, description="Target of logits of real samples in the discriminator's step."
    )
    c: float = Field(
        default=1.0, description="Target of logits of generated samples in the generator's step."
    )

    def build(self) -> AdversarialLoss:
        """Build both sides."""
        from ganzoo_losses import objectives

        return AdversarialLoss(
            lambda real, fake: objectives.lsgan_discriminator(real, fake, self.a, self.b),
            lambda fake, _: objectives.lsgan_generator(fake, self.c),
        )


class WGAN(Loss):
    """Wasserstein: difference of mean logits, the critic's weights clipped after each of its steps.

    With a gradient penalty instead of clipping (WGAN-GP), set ``clip`` to null.
    """

    type: Literal["wgan"] = "wgan"
    paper: ClassVar[str | None] = "Arjovsky et al., Wasserstein GAN, 2017, arXiv:1701.07875"
    clip: float | None = Field(
        default=0.01,
        gt=0,
        description="Largest magnitude of each of the critic's parameters. Null: no limit.",
    )

    def build(self) -> AdversarialLoss:
        """Build both sides and the clipping."""
        from ganzoo_losses import objectives

        clip = self.clip
        return AdversarialLoss(
            objectives.wgan_discriminator,
            lambda fake, _: objectives.wgan_generator(fake),
            constrain=None if clip is None else lambda net: objectives.clip_parameters(net, clip),
        )


class Hinge(Loss):
    """Hinge: logits count in the discriminator's loss only until they pass the margin 1."""

    type: Literal["hinge"] = "hinge"
    paper: ClassVar[str | None] = (
        "Lim and Ye, Geometric GAN, 2017, arXiv:1705.02894;"
        " Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018,"
        " arXiv:1802.05957"
    )

    def build(self) -> AdversarialLoss:
        """Build both sides."""
        from ganzoo_losses import objectives

        return AdversarialLoss(
            objectives.hinge_discriminator, lambda fake, _: objectives.hinge_generator(fake)
        )


class RelativisticAverage(Loss):
    """Relativistic average (RaGAN): is a sample more real than the other kind is on average?

    Cross-entropy form (RaSGAN): the paper's sum of two terms, without a factor 1/2. Averages are
    over the logits at hand, which are a part of the batch where it is accumulated or distributed.
    """

    type: Literal["relativistic_average"] = "relativistic_average"
    paper: ClassVar[str | None] = (
        "Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard"
        " GAN, 2019, arXiv:1807.00734"
    )

    def build(self) -> AdversarialLoss:
        """Build both sides."""
        from ganzoo_losses import objectives

        return _relativistic(objectives.relativistic_average)


class RelativisticPairing(Loss):
    """Relativistic pairing (RpGAN): is a real sample more real than the generated one beside it?

    The loss of R3GAN, which adds the regularizers ``r1`` and ``r2``.
    """

    type: Literal["relativistic_pairing"] = "relativistic_pairing"
    paper: ClassVar[str | None] = (
        "Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard"
        " GAN, 2019, arXiv:1807.00734; Huang et al., The GAN is dead; long live the GAN! A Modern"
        " GAN Baseline, 2024, arXiv:2501.05441"
    )

    def build(self) -> AdversarialLoss:
        """Build both sides."""
        from ganzoo_losses import objectives

        return _relativistic(objectives.relativistic_pairing)


class TopK(Loss):
    """Top-k training: the generator learns only from those of its samples that look most real.

    The paper begins with all samples of a batch and lets fewer and fewer through.
    """

    type: Literal["top_k"] = "top_k"
    paper: ClassVar[str | None] = (
        "Sinha et al., Top-k Training of GANs: Improving GAN Performance by Throwing Away Bad Samples,"
        " 2020, arXiv:2002.06224"
    )
    loss: Loss = component_field("bce", description="The loss of both sides, without weights.")
    fraction: Schedule = component_field(
        "linear",
        start=1.0,
        end=0.5,
        description="Fraction of the generated samples that the generator's loss is of; at least one"
        " sample is kept.",
    )

    @field_validator("loss")
    @classmethod
    def _check_loss(cls, loss: Loss) -> Loss:
        for field in ("discriminator_weight", "generator_weight"):
            if getattr(loss, field) != 1:
                message = "leave out '{field}' here; set it for top_k"
                raise PydanticCustomError("loss", message, {"field": field})
        return loss

    @field_validator("fraction")
    @classmethod
    def _check_fraction(cls, fraction: Schedule) -> Schedule:
        if not all(0 <= value <= 1 for value in fraction.values()):
            raise PydanticCustomError("fraction", "must stay between 0 and 1")
        return fraction

    def build(self) -> AdversarialLoss:
        """Build both sides, of which the generator's changes as training goes."""
        base = self.loss.build()
        return _TopK(
            base.discriminator,
            base.generator,
            base.generator_needs_real,
            base.constrain,
            base=base,
            fraction=self.fraction.build(),
        )


@dataclass(frozen=True, kw_only=True)
class _TopK(AdversarialLoss):
    """A loss whose generator's side drops samples.

    Attributes:
        base: the loss of all samples.
        fraction: of training done -> of the samples that are kept.
    """

    base: AdversarialLoss
    fraction: Callable[[float], float]

    def at(self, progress: float) -> AdversarialLoss:
        """Return the loss with as many samples as are kept at a fraction of training."""
        from ganzoo_losses import objectives

        now = self.base.at(progress)
        kept = partial(objectives.top_k, now.generator, fraction=self.fraction(progress))
        return replace(now, generator=kept)


def _relativistic(
    objective: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> AdversarialLoss:
    """Make both sides of one objective, the generator's with the roles of the samples exchanged."""

    def generator(fake: torch.Tensor, real: torch.Tensor | None) -> torch.Tensor:
        if real is None:
            raise TypeError("a relativistic loss needs the logits of real samples")
        return objective(fake, real)

    return AdversarialLoss(objective, generator, generator_needs_real=True)


COMPONENTS: tuple[type[Component], ...] = (
    LSGAN,
    WGAN,
    Hinge,
    RelativisticAverage,
    RelativisticPairing,
    TopK,
)
