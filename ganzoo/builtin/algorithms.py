"""The standard game."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganzoo.components import Algorithm, Component

if TYPE_CHECKING:
    from ganzoo.training.game import Game, GameContext


class GAN(Algorithm):
    """One generator against one discriminator, taking steps in turn."""

    type: Literal["gan"] = "gan"
    paper: ClassVar[str | None] = (
        "Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661"
    )

    def build(self, context: GameContext) -> Game:
        """Build both networks and their optimizers on the training device."""
        from ganzoo.training.gan import StandardGame

        return StandardGame(context)


COMPONENTS: tuple[type[Component], ...] = (GAN,)
