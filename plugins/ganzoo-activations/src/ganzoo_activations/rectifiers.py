"""Activations made of straight pieces: zero or nearly so below zero, the input above.

All are built out of place. In-place ones would save memory after a linear layer, but they break the
backward pass after any layer that needs its own output there, such as another activation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Activation, Component

if TYPE_CHECKING:
    from torch import nn


class ReLU(Activation):
    """Rectified linear unit: max(x, 0)."""

    type: Literal["relu"] = "relu"
    paper: ClassVar[str | None] = (
        "Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, 2010"
    )

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain of ReLU."""
        return ("relu", 0.0)

    def build(self) -> nn.Module:
        """Build ``torch.nn.ReLU``."""
        from torch import nn

        return nn.ReLU()


class ReLU6(Activation):
    """ReLU that stops at 6: min(max(x, 0), 6)."""

    type: Literal["relu6"] = "relu6"
    paper: ClassVar[str | None] = "Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010"

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain of ReLU, which this is for inputs of usual size."""
        return ("relu", 0.0)

    def build(self) -> nn.Module:
        """Build ``torch.nn.ReLU6``."""
        from torch import nn

        return nn.ReLU6()


class LeakyReLU(Activation):
    """ReLU that leaks: x above zero, a fraction of x below, so that no unit dies."""

    type: Literal["leaky_relu"] = "leaky_relu"
    paper: ClassVar[str | None] = (
        "Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013"
    )
    negative_slope: float = Field(
        default=0.2,
        ge=0,
        description="Slope below zero: 0.2 is usual in GANs (Radford et al. 2016), 0.01 in the"
        " paper and in torch.",
    )

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain for this slope."""
        return ("leaky_relu", self.negative_slope)

    def build(self) -> nn.Module:
        """Build ``torch.nn.LeakyReLU``."""
        from torch import nn

        return nn.LeakyReLU(self.negative_slope)


class PReLU(Activation):
    """Leaky ReLU whose slope below zero is learned, one number a layer."""

    type: Literal["prelu"] = "prelu"
    paper: ClassVar[str | None] = "He et al., Delving Deep into Rectifiers, 2015, arXiv:1502.01852"
    init: float = Field(default=0.25, description="Slope below zero at the start of training.")

    @property
    def init_gain(self) -> tuple[str, float]:
        """The gain for the slope at the start."""
        return ("leaky_relu", self.init)

    def build(self) -> nn.Module:
        """Build ``torch.nn.PReLU`` with one parameter, which fits a layer of any width."""
        from torch import nn

        return nn.PReLU(init=self.init)


COMPONENTS: tuple[type[Component], ...] = (ReLU, ReLU6, LeakyReLU, PReLU)
