"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import Component, Condition, Generator

if TYPE_CHECKING:
    from torch import nn


class NoisyGenerator(Generator):
    """One hidden layer, with noise of a learned strength added to it."""

    type: Literal["noisy"] = "noisy"
    uses_noise: ClassVar[bool] = True

    hidden: int = Field(default=16, ge=1, description="Units of the hidden layer.")

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network."""
        from ganzoo_noise.networks import Noisy

        return Noisy(latent_dim, self.hidden, sample_shape)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the generator."""
    return [NoisyGenerator]
