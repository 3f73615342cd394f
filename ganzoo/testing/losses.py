"""Checks of adversarial losses, on logits alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch

from ganzoo.components import AdversarialLoss, Loss
from ganzoo.testing.faults import check, require

Side = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@check
def check_output(loss: Loss) -> None:
    """Both sides are float32 scalars, the same for the same logits, which stay as they are."""
    for n in (2, 5):
        real, fake = _logits(n)
        for name, side in _sides(loss).items():
            before = real.clone(), fake.clone()
            value, again = side(real, fake), side(real, fake)
            require(
                value.shape == () and value.dtype == torch.float32,
                f"the {name}'s side of {n} logits is {value.dtype} {tuple(value.shape)}; it must be a"
                " float32 scalar",
            )
            require(value.isfinite(), f"the {name}'s side is {value.item()}; it must be finite")
            require(
                torch.equal(value, again),
                f"the {name}'s side gives {value.item()}, then {again.item()} for the same logits; it"
                " must be a pure function",
            )
            require(
                torch.equal(real, before[0]) and torch.equal(fake, before[1]),
                f"the {name}'s side changes its logits in place; they must stay as they are",
            )


@check
def check_extremes(loss: Loss) -> None:
    """Values and gradients are finite for logits of 10,000, of either sign."""
    for name, side in _sides(loss).items():
        for signs in itertools.product((-1e4, 1e4), repeat=2):
            logits = [torch.full((3,), sign, requires_grad=True) for sign in signs]
            value = side(logits[0], logits[1])
            if value.requires_grad:
                torch.autograd.backward(value)
            where = f"at real logits of {signs[0]:g} and made ones of {signs[1]:g}"
            require(
                value.isfinite(),
                f"the {name}'s side is {value.item()} {where}; it must be finite: use softplus or"
                " logsigmoid instead of a logarithm of a sigmoid",
            )
            for each in logits:
                require(
                    each.grad is None or bool(each.grad.isfinite().all()),
                    f"the gradient of the {name}'s side is not finite {where}; it must be",
                )


@check
def check_directions(loss: Loss) -> None:
    """Where the discriminator is wrong it learns to tell; where it is right the generator learns.

    High logits mean real. Logits of 0.5 in magnitude are within the margins of all usual losses.
    """
    sides = _sides(loss)
    low, high = -0.5 + 0.1 * torch.rand(6), 0.5 + 0.1 * torch.rand(6)
    by_real, by_fake = _gradients(sides["discriminator"], low, high)
    require(
        by_real < 0,
        f"the discriminator's side changes by {by_real:.3g} where logits of real samples rise; it"
        " must fall, since high logits mean real",
    )
    require(
        by_fake > 0,
        f"the discriminator's side changes by {by_fake:.3g} where logits of made samples rise; it"
        " must rise, since high logits mean real",
    )
    _, by_fake = _gradients(sides["generator"], high, low)
    require(
        by_fake < 0,
        f"the generator's side changes by {by_fake:.3g} where logits of made samples rise; it must"
        " fall, since the generator wants them to pass for real",
    )


@check
def check_gradcheck(loss: Loss) -> None:
    """In double precision the gradients are those of finite differences."""
    for name, side in _sides(loss).items():
        logits = tuple(each.double().requires_grad_() for each in _logits(5))
        require(
            torch.autograd.gradcheck(side, logits, raise_exception=False),
            f"the gradient of the {name}'s side is not that of finite differences; derive it again,"
            " or leave it to autograd",
        )


@check
def check_weights(loss: Loss) -> None:
    """What is built leaves ``discriminator_weight`` and ``generator_weight`` to the game."""
    heavy = loss.model_copy(
        update={
            "discriminator_weight": 2 * loss.discriminator_weight,
            "generator_weight": 3 * loss.generator_weight,
        }
    )
    real, fake = _logits(5)
    for (name, side), other in zip(_sides(loss).items(), _sides(heavy).values(), strict=True):
        require(
            torch.equal(side(real, fake), other(real, fake)),
            f"the {name}'s side changes with '{name}_weight'; the game applies that, so it must not",
        )


def _sides(loss: Loss) -> dict[str, Side]:
    """Return both sides as functions of real and made logits, called as the game calls them."""
    built = loss.build()
    require(
        isinstance(built, AdversarialLoss),
        f"'build' returns a {type(built).__name__}; it must be an AdversarialLoss",
    )
    needs_real = built.generator_needs_real
    return {
        "discriminator": built.discriminator,
        "generator": lambda real, fake: built.generator(fake, real if needs_real else None),
    }


def _logits(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(n, generator=rng), torch.randn(n, generator=rng)


def _gradients(side: Side, real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float]:
    """Return the change of a side where all real, or all made, logits rise."""
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    torch.autograd.backward(side(real, fake))
    sums = [0.0 if each.grad is None else each.grad.sum().item() for each in (real, fake)]
    return sums[0], sums[1]
