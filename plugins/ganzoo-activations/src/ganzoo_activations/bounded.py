"""Activations of bounded range, and the one that changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Activation, Component

if TYPE_CHECKING:
    from torch import nn


class Tanh(Activation):
    """Hyperbolic tangent, in (-1, 1)."""

    type: Literal["tanh"] = "tanh"
    paper: ClassVar[str | None] = "LeCun et al., Efficient BackProp, 1998"

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain of tanh."""
        return ("tanh", 0.0)

    def build(self) -> nn.Module:
        """Build ``torch.nn.Tanh``."""
        from torch import nn

        return nn.Tanh()


class Sigmoid(Activation):
    """Logistic function 1 / (1 + exp(-x)), in (0, 1)."""

    type: Literal["sigmoid"] = "sigmoid"
    paper: ClassVar[str | None] = (
        "Rumelhart et al., Learning Representations by Back-propagating Errors, 1986"
    )

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain of the logistic function."""
        return ("sigmoid", 0.0)

    def build(self) -> nn.Module:
        """Build ``torch.nn.Sigmoid``."""
        from torch import nn

        return nn.Sigmoid()


class HardTanh(Activation):
    """Identity between two bounds, constant beyond them."""

    type: Literal["hardtanh"] = "hardtanh"
    paper: ClassVar[str | None] = "Collobert, Large Scale Machine Learning (thesis), 2004"
    low: float = Field(default=-1.0, description="Lower bound.")
    high: float = Field(default=1.0, description="Upper bound.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("interval", "'low' must be less than 'high'")
        return self

    def build(self) -> nn.Module:
        """Build ``torch.nn.Hardtanh``."""
        from torch import nn

        return nn.Hardtanh(self.low, self.high)


class Softsign(Activation):
    """x / (1 + |x|), in (-1, 1): nears its limits more slowly than tanh."""

    type: Literal["softsign"] = "softsign"
    paper: ClassVar[str | None] = (
        "Bergstra et al., Quadratic Polynomials Learn Better Image Features, 2009"
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.Softsign``."""
        from torch import nn

        return nn.Softsign()


class Identity(Activation):
    """No activation: values pass as they are."""

    type: Literal["identity"] = "identity"

    def build(self) -> nn.Module:
        """Build ``torch.nn.Identity``."""
        from torch import nn

        return nn.Identity()


COMPONENTS: tuple[type[Component], ...] = (Tanh, Sigmoid, HardTanh, Softsign, Identity)
