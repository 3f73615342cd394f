"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import (
    AuxiliaryLoss,
    Component,
    Condition,
    ConditionKind,
    Discriminator,
    LossInputs,
    OutputPart,
    Setting,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

ODENA = (
    "Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2017,"
    " arXiv:1610.09585"
)


class ClassifyingDiscriminator(Discriminator):
    """One hidden layer, one logit, and one logit a class: it is not told the class, but finds it."""

    type: Literal["acgan"] = "acgan"
    paper: ClassVar[str | None] = ODENA
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes"})

    hidden: int = Field(default=32, ge=1, description="Units of the hidden layer.")

    @property
    def provides(self) -> frozenset[OutputPart]:
        """Class logits where there are classes."""
        return frozenset({"logits", "class_logits"} if self.conditional else {"logits"})

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network."""
        from ganzoo_acgan.networks import Classifier

        return Classifier(sample_shape, self.hidden, 0 if condition is None else condition.size)


class Classification(AuxiliaryLoss):
    """Cross entropy of the discriminator's class logits, on real samples and on generated ones."""

    type: Literal["classification"] = "classification"
    paper: ClassVar[str | None] = ODENA
    needs: ClassVar[frozenset[OutputPart]] = frozenset({"class_logits"})

    def check(self, setting: Setting) -> None:
        """Refuse networks that are told no classes."""
        if setting.condition is None or setting.condition.kind != "classes":
            raise ValueError(
                "'classification' needs classes: set 'conditional' of both networks to true, on a data"
                " set with classes"
            )

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term."""
        from ganzoo_acgan.networks import classification

        return classification


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the network and the loss."""
    return [ClassifyingDiscriminator, Classification]
