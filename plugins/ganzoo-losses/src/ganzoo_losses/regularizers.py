"""Penalties as specs name them; the formulas are in ``penalties``.

Gradient penalties take the gradient of each sample's logit by the sample, so they are meant for
discriminators without batch norm, which makes a logit depend on other samples too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import (
    Augmentation,
    AuxiliaryLoss,
    Component,
    LossInputs,
    Penalty,
    Regularizer,
    Schedule,
    Setting,
    component_field,
)

if TYPE_CHECKING:
    import torch

MESCHEDER = (
    "Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018,"
    " arXiv:1801.04406"
)


class GradientPenalty(Regularizer):
    """WGAN-GP: gradients of norm 1 wanted on lines between real and generated samples."""

    type: Literal["gradient_penalty"] = "gradient_penalty"
    paper: ClassVar[str | None] = (
        "Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028"
    )
    weight: Schedule = component_field(
        "constant", value=10.0, description="Factor on mean (‖∇D‖ - target)²; the paper's lambda."
    )
    target: float = Field(default=1.0, ge=0, description="Norm of the gradient that costs nothing.")
    one_sided: bool = Field(
        default=False,
        description="Whether only norms above the target cost, not those below (WGAN-LP,"
        " Petzka et al. 2018).",
    )

    def build(self) -> Penalty:
        """Build the penalty."""
        from ganzoo_losses import penalties

        return partial(penalties.gradient_penalty, target=self.target, one_sided=self.one_sided)


class DRAGAN(Regularizer):
    """DRAGAN: gradients of norm 1 wanted near real samples.

    Noise is drawn as in the code the authors published: uniform, and above zero only. Their text
    has normal noise.
    """

    type: Literal["dragan"] = "dragan"
    paper: ClassVar[str | None] = (
        "Kodali et al., On Convergence and Stability of GANs, 2017, arXiv:1705.07215"
    )
    weight: Schedule = component_field(
        "constant", value=10.0, description="Factor on mean (‖∇D‖ - target)²; the paper's lambda."
    )
    target: float = Field(
        default=1.0, ge=0, description="Norm of the gradient that costs nothing; the paper's k."
    )
    noise: float = Field(
        default=0.5,
        gt=0,
        description="Largest change of a value, in standard deviations of the real batch.",
    )

    def build(self) -> Penalty:
        """Build the penalty."""
        from ganzoo_losses import penalties

        return partial(penalties.dragan, target=self.target, noise=self.noise)


class R1(Regularizer):
    """R1: half the squared norm of the gradient at real samples."""

    type: Literal["r1"] = "r1"
    paper: ClassVar[str | None] = MESCHEDER
    needs_gradient: ClassVar[frozenset[Literal["real", "fake"]]] = frozenset({"real"})
    weight: Schedule = component_field(
        "constant",
        value=10.0,
        description="The paper's gamma: the term added is weight / 2 · mean ‖∇D(x)‖².",
    )

    def build(self) -> Penalty:
        """Build the penalty."""
        from ganzoo_losses import penalties

        return penalties.r1


class R2(Regularizer):
    """R2: half the squared norm of the gradient at generated samples."""

    type: Literal["r2"] = "r2"
    paper: ClassVar[str | None] = MESCHEDER
    needs_gradient: ClassVar[frozenset[Literal["real", "fake"]]] = frozenset({"fake"})
    weight: Schedule = component_field(
        "constant",
        value=10.0,
        description="The paper's gamma: the term added is weight / 2 · mean ‖∇D(G(z))‖².",
    )

    def build(self) -> Penalty:
        """Build the penalty."""
        from ganzoo_losses import penalties

        return penalties.r2


class LeCam(Regularizer):
    """LeCam: logits of each side are kept near the moving mean of the other side's.

    For data sets of few images, and losses whose logits have no bound.
    """

    type: Literal["lecam"] = "lecam"
    paper: ClassVar[str | None] = (
        "Tseng et al., Regularizing Generative Adversarial Networks under Limited Data, 2021,"
        " arXiv:2104.03310"
    )
    weight: Schedule = component_field(
        "constant", value=0.3, description="Factor on both terms; the paper's lambda."
    )
    decay: float = Field(
        default=0.99, ge=0, lt=1, description="Fraction of the mean logits that each use keeps."
    )
    one_sided: bool = Field(
        default=True,
        description="Whether logits beyond the other side's mean cost nothing, as in the authors' code;"
        " the paper's formula has no such condition.",
    )

    def build(self) -> Penalty:
        """Build the penalty with its moving means."""
        from ganzoo_losses import penalties

        return penalties.LeCam(self.decay, one_sided=self.one_sided)


ZHAO = "Zhao et al., Improved Consistency Regularization for GANs, 2020, arXiv:2002.04724"


class BalancedConsistency(Regularizer):
    """Balanced consistency (bCR): augmented samples get the logits that they had before.

    The generator's step has no augmented samples.
    """

    type: Literal["bcr"] = "bcr"
    paper: ClassVar[str | None] = ZHAO
    weight: Schedule = component_field(
        "constant",
        value=10.0,
        description="Factor on both terms; the paper's lambda of real samples.",
    )
    fake_weight: float = Field(
        default=1.0,
        ge=0,
        description="Weight of generated samples beside real ones; 0 is consistency regularization as"
        " in Zhang et al. 2020, arXiv:1910.12027.",
    )
    augmentation: Augmentation = component_field(
        "diffaugment",
        operations=("translation",),
        description="What changes samples: one without state. The paper has shifts of an eighth, and"
        " flips besides.",
    )

    def check(self, setting: Setting) -> None:
        """Refuse augmentations that follow the discriminator, and those that do not fit."""
        if self.augmentation.observes or self.augmentation.mixes:
            raise ValueError(
                f"'bcr' needs an augmentation without state, and {self.augmentation.type!r} follows the"
                " discriminator"
            )
        self.augmentation.check(setting)

    def build(self) -> Penalty:
        """Build the penalty."""
        from ganzoo_losses import penalties

        return partial(
            penalties.balanced_consistency,
            change=self.augmentation.build(),
            fake_weight=self.fake_weight,
        )


class LatentConsistency(AuxiliaryLoss):
    """Latent consistency (zCR): nearby latents give other samples, which are as real.

    The discriminator is to give both the same logits, and the generator is rewarded for their distance.
    """

    type: Literal["zcr"] = "zcr"
    paper: ClassVar[str | None] = ZHAO
    discriminator_weight: float = Field(
        default=5.0, ge=0, description="Factor on mean (D(G(z)) - D(G(z + noise)))²."
    )
    generator_weight: float = Field(
        default=0.5, ge=0, description="Factor on -mean (G(z) - G(z + noise))²."
    )
    noise: float = Field(
        default=0.03, gt=0, description="Standard deviation of what is added to latents."
    )

    def check(self, setting: Setting) -> None:
        """Refuse algorithms without latents."""
        if setting.latent is None:
            raise ValueError("'zcr' needs latents, which this algorithm does not have")

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term of each side."""
        del setting
        from ganzoo_losses import penalties

        return partial(
            penalties.latent_consistency,
            noise=self.noise,
            discriminator_weight=self.discriminator_weight,
            generator_weight=self.generator_weight,
        )


COMPONENTS: tuple[type[Component], ...] = (
    GradientPenalty,
    DRAGAN,
    R1,
    R2,
    LeCam,
    BalancedConsistency,
    LatentConsistency,
)
