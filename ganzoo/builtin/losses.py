"""The two losses of the first GAN paper. All others are plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import AdversarialLoss, Component, Loss

if TYPE_CHECKING:
    import torch

GOODFELLOW = "Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661"


class _CrossEntropy(Loss):
    """The discriminator's side, which both forms share."""

    paper: ClassVar[str | None] = GOODFELLOW
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Taken off the target 1 of real samples, one-sided (Salimans et al. 2016).",
    )

    def _discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """-mean(t·log D(x) + (1-t)·log(1 - D(x))) - mean log(1 - D(G(z))), t = 1 - smoothing."""
        import torch.nn.functional as F  # noqa: N812 - the usual name

        on_real = F.softplus(-real).mean()
        if self.label_smoothing:
            on_real = on_real + self.label_smoothing * real.mean()
        return on_real + F.softplus(fake).mean()


class BCE(_CrossEntropy):
    """Binary cross-entropy, the generator in its non-saturating form: it minimizes -log D(G(z))."""

    type: Literal["bce"] = "bce"

    def build(self) -> AdversarialLoss:
        import torch.nn.functional as F  # noqa: N812 - the usual name

        return AdversarialLoss(self._discriminator, lambda fake, _: F.softplus(-fake).mean())


class Minimax(_CrossEntropy):
    """Binary cross-entropy in its minimax form: the generator minimizes log(1 - D(G(z))).

    Its gradient vanishes where the discriminator is sure of itself, as it is early in training; the
    paper that introduced it advises ``bce`` for that reason.
    """

    type: Literal["minimax"] = "minimax"

    def build(self) -> AdversarialLoss:
        import torch.nn.functional as F  # noqa: N812 - the usual name

        return AdversarialLoss(self._discriminator, lambda fake, _: -F.softplus(fake).mean())


COMPONENTS: tuple[type[Component], ...] = (BCE, Minimax)
