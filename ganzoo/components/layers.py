"""What networks are made of and a spec can choose: activations and normalizations."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from ganzoo.components.base import Component

if TYPE_CHECKING:
    from torch import nn


class Activation(Component):
    """An elementwise function between layers."""

    family: ClassVar[str] = "activation"

    @property
    def init_gain(self) -> tuple[str, float]:
        """Name and parameter for ``torch.nn.init.calculate_gain``; linear where none is known."""
        return ("linear", 0.0)

    @abstractmethod
    def build(self) -> nn.Module:
        """Build a module that maps a tensor of any shape to one of the same shape."""


class Normalization(Component):
    """A layer that normalizes activations; ``none`` is one of them."""

    family: ClassVar[str] = "normalization"

    couples_batch: ClassVar[bool] = False
    """Whether samples of one batch influence each other, as in batch norm."""

    def check(self, channels: int, dimensions: int) -> None:
        """Refuse layers this normalization cannot serve; networks ask before anything is built.

        Args:
            channels: number of channels.
            dimensions: number of axes besides samples and channels: 0 or 2.

        Raises:
            ValueError: the layer cannot be served; the message says what can.
        """

    @abstractmethod
    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build the layer for input (N, channels, and ``dimensions`` more axes: 0 or 2)."""
