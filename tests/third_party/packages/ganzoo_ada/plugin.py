"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo import hookimpl
from ganzoo.components import Augmentation, Component, Images, Setting

if TYPE_CHECKING:
    from ganzoo_ada.pipe import AdaptivePipe


class ADA(Augmentation):
    """Flips, translations and changes of brightness, as probable as the discriminator overfits.

    The paper has eighteen operations; these three are the ones of its first group that need no
    interpolation, and one of its colour operations.
    """

    type: Literal["adaptive"] = "adaptive"
    paper: ClassVar[str | None] = (
        "Karras et al., Training Generative Adversarial Networks with Limited Data, 2020,"
        " arXiv:2006.06676"
    )
    observes: ClassVar[bool] = True

    target: float = Field(
        default=0.6, ge=-1, le=1, description="Mean sign of real logits that is aimed at."
    )
    every: int = Field(
        default=4, ge=1, description="Discriminator steps from one change of p to the next."
    )
    ramp: int = Field(
        default=500_000, ge=1, description="Real images in which p can rise from 0 to 1."
    )

    def check(self, setting: Setting) -> None:
        """Refuse samples that are not images."""
        if not isinstance(setting.samples, Images):
            raise ValueError("'adaptive' changes images only; leave the augmentation out")

    def build(self) -> AdaptivePipe:
        """Build the pipe with its controller."""
        from ganzoo_ada.pipe import AdaptivePipe

        return AdaptivePipe(self.target, self.every, self.ramp)


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the augmentation."""
    return [ADA]
