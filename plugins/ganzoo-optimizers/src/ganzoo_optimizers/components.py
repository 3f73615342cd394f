"""What a spec can choose: an optimizer for games, and two algorithms that step in other ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.gan import StandardAlgorithm
from ganzoo.builtin.optimizers import Betas
from ganzoo.components import DatasetInfo, Optimizer, Schedule, component_field
from ganzoo.errors import Problem

if TYPE_CHECKING:
    import torch

    from ganzoo.spec import Training
    from ganzoo.training import Game, TrainingContext


class OptimisticAdam(Optimizer):
    """Adam that expects the next gradient to be as the last one: twice this step, less the last.

    In a game two players that only follow their gradients circle around an equilibrium; looking ahead
    damps that.
    """

    type: Literal["optimistic_adam"] = "optimistic_adam"
    paper: ClassVar[str | None] = (
        "Daskalakis et al., Training GANs with Optimism, 2018, arXiv:1711.00141"
    )
    betas: Betas = Field(
        default=(0.5, 0.999),  # type: ignore[assignment] # validated as a spec's own numbers are
        description="Decay of the first and second moments, each a number or a schedule.",
    )
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")
    weight_decay: Schedule = component_field(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    def build(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Build the optimizer."""
        from ganzoo_optimizers.optimistic import OptimisticAdam

        return OptimisticAdam(groups, eps=self.eps)


class Extragradient(StandardAlgorithm):
    """The standard game, each step taken twice: once to look ahead, then by the gradients found there.

    Both networks take a step at the same time, on one batch. Where that leads, gradients are computed on
    another batch, and these move the weights from where they were. A step costs about two of those of
    the standard algorithm. With ``adam`` this is the ExtraAdam of the paper: moments are updated by
    both gradients.
    """

    type: Literal["extragradient"] = "extragradient"
    paper: ClassVar[str | None] = (
        "Gidel et al., A Variational Inequality Perspective on Generative Adversarial Networks, 2019,"
        " arXiv:1802.10551"
    )
    unused: ClassVar[frozenset[str]] = frozenset({"accumulation"})

    @property
    def batches_per_step(self) -> int:
        """One batch to look ahead, and one to step."""
        return 2

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit; both networks step at once, on the same samples."""
        yield from super().check(data, training)
        if self.discriminator_steps != 1:
            yield Problem("discriminator_steps", "must be 1: both networks step at the same time")
        if not self.reuse_fakes:
            yield Problem("reuse_fakes", "must be true: both networks step on the same samples")

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the game."""
        from ganzoo_optimizers.games import ExtragradientGame

        return ExtragradientGame(self, data, context)


class LookaheadMinmax(StandardAlgorithm):
    """The standard game, in which all weights step back from time to time.

    After every ``lookahead_steps`` steps, the weights of all networks go back to a point between where
    they are and where they were before these steps. Fast weights may circle; the points they go back to
    spiral inwards.
    """

    type: Literal["lookahead_minmax"] = "lookahead_minmax"
    paper: ClassVar[str | None] = (
        "Chavdarova et al., Taming GANs with Lookahead-Minmax, 2021, arXiv:2006.14567"
    )
    lookahead_steps: int = Field(
        default=5, ge=1, description="Steps of training after which the weights step back."
    )
    lookahead_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5,
        description="How far the weights get: the fraction that is kept of the way of these steps.",
    )

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the game."""
        from ganzoo_optimizers.games import LookaheadGame

        return LookaheadGame(self, data, context)
