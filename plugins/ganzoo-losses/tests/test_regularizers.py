"""The gradient penalties: closed forms, gradients, labels and randomness."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from ganzoo.components import (
    DiscriminatorOutput,
    LossInputs,
    Penalty,
    Regularizer,
    registry,
)
from ganzoo.training.adversary import input_gradient


def regularizer(name: str, **parameters: Any) -> Regularizer:
    """Validate a regularizer as a spec does."""
    return TypeAdapter(Regularizer).validate_python({"type": name, **parameters})


def build(name: str, **parameters: Any) -> Penalty:
    return regularizer(name, **parameters).build()


def own_names() -> list[str]:
    """Names of the gradient penalties this package provides."""
    return [
        entry.name
        for entry in registry.active().entries("regularizer")
        if entry.provider.name == "ganzoo-losses" and entry.name not in {"lecam", "bcr"}
    ]


class Linear(nn.Module):
    """D(x) = w·x, whose gradient is w everywhere."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return x.flatten(1) @ self.weight


class Quadratic(nn.Module):
    """D(x) = ‖x‖² / 2, whose gradient is x; keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []
        self.labels: list[torch.Tensor | None] = []

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        self.shown.append(x.detach())
        self.labels.append(labels)
        return x.flatten(1).square().sum(1) / 2


class Conv(nn.Module):
    """A small smooth discriminator of images (1, 4, 4)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.layers(x).flatten()


class MLP(nn.Module):
    """A small smooth discriminator of points in the plane."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 1))

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.layers(x).flatten()


def inputs(
    discriminator: nn.Module,
    shape: tuple[int, ...] = (6, 1, 4, 4),
    labels: torch.Tensor | None = None,
    seed: int = 0,
) -> LossInputs:
    """What a regularizer of the discriminator sees; the passes of the loss count as shown."""
    rng = torch.Generator().manual_seed(3)
    real, fake = (each.requires_grad_() for each in torch.randn(2, *shape, generator=rng).double())
    rng.manual_seed(seed)

    def judge(samples: torch.Tensor) -> DiscriminatorOutput:
        return DiscriminatorOutput(discriminator(samples, labels))

    return LossInputs(
        side="discriminator",
        fake=fake,
        real=real,
        fake_output=judge(fake),
        real_output=judge(real),
        condition=labels,
        discriminator=judge,
        differentiate=input_gradient,
        rng=rng,
    )


def weight_of_norm(norm: float, size: int = 16) -> torch.Tensor:
    direction = torch.arange(1, size + 1, dtype=torch.float64)
    return norm * direction / direction.norm()


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
@pytest.mark.parametrize(
    ("name", "parameters", "closed_form"),
    [
        ("gradient_penalty", {}, lambda norm: (norm - 1) ** 2),
        ("gradient_penalty", {"target": 0.0}, lambda norm: norm**2),
        ("gradient_penalty", {"one_sided": True}, lambda norm: max(norm - 1, 0) ** 2),
        ("dragan", {}, lambda norm: (norm - 1) ** 2),
        ("dragan", {"target": 2.0}, lambda norm: (norm - 2) ** 2),
        ("r1", {}, lambda norm: norm**2 / 2),
        ("r2", {}, lambda norm: norm**2 / 2),
    ],
)
@pytest.mark.parametrize("shape", [(6, 1, 4, 4), (6, 16)])
def test_linear_discriminators_have_a_closed_form(
    name: str, parameters: dict[str, Any], closed_form: Any, norm: float, shape: tuple[int, ...]
) -> None:
    given = inputs(Linear(weight_of_norm(norm)), shape)
    penalty = build(name, **parameters)(given)
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(closed_form(norm), abs=1e-12)


def test_r1_looks_at_real_samples_and_r2_at_generated_ones() -> None:
    given = inputs(Quadratic())
    for name, samples in (("r1", given.real), ("r2", given.fake)):
        expected = samples.flatten(1).square().sum(1).mean() / 2
        torch.testing.assert_close(build(name)(given), expected)


def test_gradient_penalty_looks_between_real_and_generated_samples() -> None:
    critic = Quadratic()
    given = inputs(critic)
    build("gradient_penalty")(given)
    *_, shown = critic.shown
    shares = (shown - given.fake) / (given.real - given.fake)
    of_each_sample = shares.flatten(1)
    torch.testing.assert_close(of_each_sample, of_each_sample[:, :1].expand(-1, 16))
    assert ((of_each_sample >= 0) & (of_each_sample <= 1)).all()
    assert of_each_sample[:, 0].unique().numel() == 6


def test_dragan_looks_near_real_samples_within_the_noise() -> None:
    critic = Quadratic()
    given = inputs(critic, (500, 4))
    build("dragan", noise=0.3)(given)
    *_, shown = critic.shown
    change = (shown - given.real) / given.real.std(correction=0)
    assert change.min() >= 0
    assert 0.25 < change.max() <= 0.3
    # A product of two independent uniform numbers has mean 1/4.
    assert change.mean().item() == pytest.approx(0.3 / 4, rel=0.1)


@pytest.mark.parametrize("name", own_names())
@pytest.mark.parametrize(("network", "shape"), [(Conv, (3, 1, 4, 4)), (MLP, (4, 2))])
def test_gradients_by_parameters_are_exact(
    name: str, network: type[nn.Module], shape: tuple[int, ...]
) -> None:
    discriminator = network().double()
    names, parameters = zip(*discriminator.named_parameters(), strict=True)
    penalty = build(name)

    class WithParameters(nn.Module):
        def __init__(self, values: tuple[torch.Tensor, ...]) -> None:
            super().__init__()
            self.values = dict(zip(names, values, strict=True))

        def forward(self, x: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
            return torch.func.functional_call(discriminator, self.values, (x, labels))

    assert torch.autograd.gradcheck(
        lambda *values: penalty(inputs(WithParameters(values), shape)), parameters
    )


@pytest.mark.parametrize("name", own_names())
def test_a_flat_discriminator_gives_finite_gradients(name: str) -> None:
    discriminator = Linear(torch.zeros(16, dtype=torch.float64))
    build(name)(inputs(discriminator)).backward()
    assert discriminator.weight.grad is not None
    assert discriminator.weight.grad.isfinite().all()


@pytest.mark.parametrize("name", own_names())
@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 2, 0, 1, 2])])
def test_labels_reach_the_discriminator(name: str, labels: torch.Tensor | None) -> None:
    discriminator = Quadratic()
    build(name)(inputs(discriminator, labels=labels))
    assert all(seen is labels for seen in discriminator.labels)


@pytest.mark.parametrize("name", own_names())
def test_randomness_comes_from_the_given_generator_only(name: str) -> None:
    penalty, discriminator = build(name), Quadratic()
    torch.manual_seed(0)
    first = penalty(inputs(discriminator, seed=1))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(penalty(inputs(discriminator, seed=1)), first)
    other = penalty(inputs(discriminator, seed=2))
    assert torch.equal(other, first) == (name in {"r1", "r2"})
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", own_names())
def test_it_says_which_gradients_it_needs(name: str) -> None:
    given = inputs(Conv().double())
    needs = regularizer(name).needs_gradient
    build(name)(given)
    used = {each for each in ("real", "fake") if f"{each}_gradient" in vars(given)}
    assert used == needs


@pytest.mark.parametrize("name", own_names())
def test_weight_is_ten_unless_a_spec_says_otherwise(name: str) -> None:
    assert regularizer(name).weight.build()(0.5) == 10
    assert regularizer(name, weight=0.1).weight.build()(0.5) == 0.1
