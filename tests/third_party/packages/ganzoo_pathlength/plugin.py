"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import Component, Penalty, Regularizer, Setting, Side


class PathLength(Regularizer):
    """Steps of one length in latent space are wanted to change samples by one length."""

    type: Literal["latent_path_length"] = "latent_path_length"
    paper: ClassVar[str | None] = (
        "Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020,"
        " arXiv:1912.04958"
    )
    side: ClassVar[Side] = "generator"

    decay: float = Field(
        default=0.99, ge=0, lt=1, description="Fraction of the mean length that each use keeps."
    )

    def check(self, setting: Setting) -> None:
        """Refuse algorithms without latents."""
        if setting.latent is None:
            raise ValueError(
                "'latent_path_length' needs latents, which this algorithm does not have"
            )

    def build(self) -> Penalty:
        """Build the penalty with its mean."""
        from ganzoo_pathlength.penalty import PathLengthPenalty

        return PathLengthPenalty(self.decay)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the regularizer."""
    return [PathLength]
