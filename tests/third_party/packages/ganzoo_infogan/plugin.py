"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo import hookimpl
from ganzoo.components import (
    AuxiliaryLoss,
    Component,
    Condition,
    Discriminator,
    Latent,
    LossInputs,
    OutputPart,
    Setting,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

CHEN = (
    "Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing"
    " Generative Adversarial Nets, 2016, arXiv:1606.03657"
)


class CodedLatent(Latent):
    """One-hot categorical codes, then continuous codes in [-1, 1], then normal noise."""

    type: Literal["codes"] = "codes"
    paper: ClassVar[str | None] = CHEN

    categories: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(strict=False)] = Field(
        default=(10,), description="Number of values of each categorical code."
    )
    continuous: int = Field(default=2, ge=0, description="Number of continuous codes.")

    @model_validator(mode="after")
    def _check_dim(self) -> Self:
        if self.codes > self.dim:
            message = "the codes take {codes} coordinates, and 'dim' is {dim}"
            context = {"codes": self.codes, "dim": self.dim}
            raise PydanticCustomError("codes", message, context)
        return self

    @property
    def codes(self) -> int:
        """Coordinates that codes take: the first ones."""
        return sum(self.categories) + self.continuous

    def build(self) -> nn.Module:
        """Build the distribution."""
        from ganzoo_infogan.networks import Codes

        return Codes(self.dim, self.categories, self.continuous)


class CodeReadingDiscriminator(Discriminator):
    """One hidden layer, one logit, and a reading of the codes."""

    type: Literal["infogan"] = "infogan"
    paper: ClassVar[str | None] = CHEN

    hidden: int = Field(default=32, ge=1, description="Units of the hidden layer.")
    codes: int = Field(
        default=12, ge=1, description="Coordinates that the latent's codes take together."
    )

    @property
    def provides(self) -> frozenset[OutputPart]:
        """The codes, too."""
        return frozenset({"logits", "codes"})

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network."""
        from ganzoo_infogan.networks import CodeReader

        return CodeReader(sample_shape, self.hidden, self.codes)


class MutualInformation(AuxiliaryLoss):
    """A lower bound of the information that samples keep of their codes, with its sign changed."""

    type: Literal["mutual_information"] = "mutual_information"
    paper: ClassVar[str | None] = CHEN
    needs: ClassVar[frozenset[OutputPart]] = frozenset({"codes"})

    def check(self, setting: Setting) -> None:
        """Refuse latents without codes, and a discriminator that reads another number of them."""
        latent, discriminator = setting.latent, setting.discriminator
        if not isinstance(latent, CodedLatent):
            raise ValueError("'mutual_information' needs a latent of type 'codes'")
        read = getattr(discriminator, "codes", latent.codes)
        if read != latent.codes:
            raise ValueError(
                f"the latent's codes take {latent.codes} coordinates, and discriminator.codes is {read}"
            )

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term."""
        from ganzoo_infogan.networks import Information

        assert isinstance(setting.latent, CodedLatent)
        return Information(setting.latent.categories, setting.latent.continuous)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the latent, the network and the loss."""
    return [CodedLatent, CodeReadingDiscriminator, MutualInformation]
