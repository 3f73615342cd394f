"""The normalization that is none. All others are plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganzoo.components import Component, Normalization

if TYPE_CHECKING:
    from torch import nn


class NoNormalization(Normalization):
    """No normalization: values pass as they are."""

    type: Literal["none"] = "none"

    def build(self, channels: int, dimensions: int) -> nn.Module:
        from torch import nn

        del channels, dimensions
        return nn.Identity()


COMPONENTS: tuple[type[Component], ...] = (NoNormalization,)
