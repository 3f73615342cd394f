"""Activations that bend like ReLU but, for most parameters, without a kink."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Activation, Component

if TYPE_CHECKING:
    from torch import nn


class ELU(Activation):
    """Exponential linear unit: x above zero, alpha·(exp(x) - 1) below."""

    type: Literal["elu"] = "elu"
    paper: ClassVar[str | None] = (
        "Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, 2016,"
        " arXiv:1511.07289"
    )
    alpha: float = Field(
        default=1.0, gt=0, description="Minus the limit far below zero; only 1 leaves no kink."
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.ELU``."""
        from torch import nn

        return nn.ELU(self.alpha)


class CELU(Activation):
    """Continuously differentiable ELU: alpha·(exp(x / alpha) - 1) below zero."""

    type: Literal["celu"] = "celu"
    paper: ClassVar[str | None] = (
        "Barron, Continuously Differentiable Exponential Linear Units, 2017, arXiv:1704.07483"
    )
    alpha: float = Field(default=1.0, ge=1e-6, description="Minus the limit far below zero.")

    def build(self) -> nn.Module:
        """Build ``torch.nn.CELU``."""
        from torch import nn

        return nn.CELU(self.alpha)


class SELU(Activation):
    """Scaled ELU, whose constants keep mean 0 and variance 1 from layer to layer."""

    type: Literal["selu"] = "selu"
    paper: ClassVar[str | None] = (
        "Klambauer et al., Self-Normalizing Neural Networks, 2017, arXiv:1706.02515"
    )

    @property
    def init_gain(self) -> tuple[str, float]:
        """Torch's gain of SELU. The paper's initialisation is the gain 1 (``linear``)."""
        return ("selu", 0.0)

    def build(self) -> nn.Module:
        """Build ``torch.nn.SELU``."""
        from torch import nn

        return nn.SELU()


class Softplus(Activation):
    """Smooth ReLU: log(1 + exp(beta·x)) / beta, whose derivative is the logistic function."""

    type: Literal["softplus"] = "softplus"
    paper: ClassVar[str | None] = (
        "Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing,"
        " 2001"
    )
    beta: float = Field(
        default=1.0, gt=0, description="Sharpness; ReLU is the limit of large ones."
    )
    threshold: float = Field(
        default=20.0, gt=0, description="Value of beta·x above which x itself is returned."
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.Softplus``."""
        from torch import nn

        return nn.Softplus(self.beta, self.threshold)


class GELU(Activation):
    """Gaussian error linear unit: x times the normal distribution function of x."""

    type: Literal["gelu"] = "gelu"
    paper: ClassVar[str | None] = (
        "Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016, arXiv:1606.08415"
    )
    approximate: Literal["none", "tanh"] = Field(
        default="none", description="'none' is exact; 'tanh' is the paper's quicker approximation."
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.GELU``."""
        from torch import nn

        return nn.GELU(self.approximate)


class SiLU(Activation):
    """Sigmoid-weighted linear unit, also called swish: x·sigmoid(x)."""

    type: Literal["silu"] = "silu"
    paper: ClassVar[str | None] = (
        "Elfwing et al., Sigmoid-Weighted Linear Units for Neural Network Function Approximation in"
        " Reinforcement Learning, 2017, arXiv:1702.03118"
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.SiLU``."""
        from torch import nn

        return nn.SiLU()


class HardSwish(Activation):
    """SiLU with the sigmoid drawn in straight lines: x·min(max(x + 3, 0), 6) / 6."""

    type: Literal["hardswish"] = "hardswish"
    paper: ClassVar[str | None] = "Howard et al., Searching for MobileNetV3, 2019, arXiv:1905.02244"

    def build(self) -> nn.Module:
        """Build ``torch.nn.Hardswish``."""
        from torch import nn

        return nn.Hardswish()


class Mish(Activation):
    """x·tanh(softplus(x)): like SiLU, a little steeper."""

    type: Literal["mish"] = "mish"
    paper: ClassVar[str | None] = (
        "Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2020, arXiv:1908.08681"
    )

    def build(self) -> nn.Module:
        """Build ``torch.nn.Mish``."""
        from torch import nn

        return nn.Mish()


COMPONENTS: tuple[type[Component], ...] = (
    ELU,
    CELU,
    SELU,
    Softplus,
    GELU,
    SiLU,
    HardSwish,
    Mish,
)
