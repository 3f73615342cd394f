"""Gradient penalties on the discriminator as specs name them; the formulas are in ``penalties``.

All take the gradient of each sample's logit by the sample, so they are meant for discriminators
without batch norm, which makes a logit depend on other samples too.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo.components import Component, Penalty, Regularizer, Schedule, component_field

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


COMPONENTS: tuple[type[Component], ...] = (GradientPenalty, DRAGAN, R1, R2)
