"""The losses of the first GAN paper, against their formulas in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import AdversarialLoss, Loss

Side = Callable[..., torch.Tensor]

REAL = torch.linspace(-3, 4, 7, dtype=torch.float64)
FAKE = torch.linspace(-5, 2, 5, dtype=torch.float64)


def loss(data: object) -> Any:
    return TypeAdapter(Loss).validate_python(data)


def build(data: object) -> AdversarialLoss:
    built: AdversarialLoss = loss(data).build()
    return built


def probability(logits: torch.Tensor) -> Any:
    """D(x), in numpy."""
    return 1 / (1 + np.exp(-logits.numpy()))


def slope(function: Side, *logits: torch.Tensor) -> list[torch.Tensor]:
    """The gradient by each of the logits."""
    leaves = [each.clone().requires_grad_() for each in logits]
    return list(torch.autograd.grad(function(*leaves), leaves))


@pytest.mark.parametrize("name", ["bce", "minimax"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_discriminator_minimizes_cross_entropy_with_one_sided_smoothing(
    name: str, smoothing: float
) -> None:
    """Means of each half, so that batches of different sizes weigh the same."""
    made = build({"type": name, "label_smoothing": smoothing}).discriminator(REAL, FAKE)
    real, fake, target = probability(REAL), probability(FAKE), 1 - smoothing
    on_real = -(target * np.log(real) + (1 - target) * np.log(1 - real)).mean()
    assert made.item() == pytest.approx(on_real - np.log(1 - fake).mean(), rel=1e-12)


def test_the_generator_minimizes_its_own_form() -> None:
    fake = probability(FAKE)
    assert build("bce").generator(FAKE, None).item() == pytest.approx(
        -np.log(fake).mean(), rel=1e-12
    )
    assert build("minimax").generator(FAKE, None).item() == pytest.approx(
        np.log(1 - fake).mean(), rel=1e-12
    )


@pytest.mark.parametrize("name", ["bce", "minimax"])
def test_each_side_pulls_where_it_should(name: str) -> None:
    built = build(name)
    by_real, by_fake = slope(built.discriminator, REAL, FAKE)
    assert (by_real < 0).all(), "the discriminator raises logits of real samples"
    assert (by_fake > 0).all(), "and lowers those of made ones"
    (by_fake,) = slope(lambda fake: built.generator(fake, None), FAKE)
    assert (by_fake < 0).all(), "the generator raises logits of its samples"


def test_smoothing_stops_the_discriminator_from_being_too_sure() -> None:
    """Its best answer to real samples is 1 - smoothing, and no more."""
    best = torch.full((1,), float(np.log(9)), dtype=torch.float64)  # D = 0.9
    by_real, _ = slope(build({"type": "bce", "label_smoothing": 0.1}).discriminator, best, FAKE)
    assert by_real.abs().max() < 1e-12
    by_real, _ = slope(build({"type": "bce", "label_smoothing": 0.1}).discriminator, best + 1, FAKE)
    assert (by_real > 0).all()


def test_minimax_hardly_teaches_the_generator_where_the_discriminator_is_sure() -> None:
    """The reason for the non-saturating form: D(G(z)) is near 0 early in training."""
    sure = torch.full((1,), -12.0, dtype=torch.float64)
    (strong,) = slope(lambda fake: build("bce").generator(fake, None), sure)
    (weak,) = slope(lambda fake: build("minimax").generator(fake, None), sure)
    assert strong.item() == pytest.approx(-1, abs=1e-5)
    assert -1e-5 < weak.item() < 0
    undecided = torch.zeros(1, dtype=torch.float64)
    (bce,) = slope(lambda fake: build("bce").generator(fake, None), undecided)
    (minimax,) = slope(lambda fake: build("minimax").generator(fake, None), undecided)
    assert bce.item() == minimax.item() == -0.5


@pytest.mark.parametrize(
    "data", ["bce", "minimax", {"type": "bce", "label_smoothing": 0.2}], ids=str
)
def test_gradients_are_those_of_the_values(data: object) -> None:
    built = build(data)
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    assert torch.autograd.gradcheck(built.discriminator, (real, fake))
    assert torch.autograd.gradcheck(lambda logits: built.generator(logits, None), (fake,))


@pytest.mark.parametrize("name", ["bce", "minimax"])
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_values_and_gradients_stay_finite_for_large_logits(name: str, size: float) -> None:
    built, logits = build(name), torch.full((4,), size)
    sides: list[tuple[Side, tuple[torch.Tensor, ...]]] = [
        (built.discriminator, (logits, logits)),
        (lambda fake: built.generator(fake, None), (logits,)),
    ]
    for side, arguments in sides:
        assert side(*arguments).isfinite()
        assert all(each.isfinite().all() for each in slope(side, *arguments))


@pytest.mark.parametrize("name", ["bce", "minimax"])
def test_neither_side_needs_more_than_its_logits(name: str) -> None:
    built = build(name)
    assert not built.generator_needs_real
    assert built.constrain is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label_smoothing", 1),
        ("label_smoothing", -0.1),
        ("generator_weight", 0),
        ("discriminator_weight", -1),
    ],
)
def test_numbers_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValidationError, match=field):
        loss({"type": "bce", field: value})
