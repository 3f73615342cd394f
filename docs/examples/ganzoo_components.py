"""A plugin with one component: an activation, as a spec writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import Activation, Component

if TYPE_CHECKING:
    from torch import nn


class Softshrink(Activation):
    """Zero up to a threshold, and what is above it from there on."""

    type: Literal["softshrink"] = "softshrink"
    threshold: float = Field(default=0.5, ge=0, description="Distance from 0 up to which it is 0.")

    def build(self) -> nn.Module:
        """Build the module."""
        from torch import nn

        return nn.Softshrink(self.threshold)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the classes."""
    return [Softshrink]
