"""LeCam and the consistency terms against plain torch, and what they refuse."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

import ganzoo
from ganzoo.components import (
    Augmentation,
    AuxiliaryLoss,
    DiscriminatorOutput,
    LossInputs,
    Regularizer,
)
from ganzoo.errors import SpecError
from ganzoo.training.adversary import input_gradient

CLOSE = {"rtol": 0.0, "atol": 1e-9}


def network(inputs: int, outputs: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Linear(5, outputs)).double()


DISCRIMINATOR = network(64, 1, 1)
GENERATOR = network(3, 64, 2)


def logits(samples: torch.Tensor) -> torch.Tensor:
    return DISCRIMINATOR(samples.flatten(1)).flatten()


def generate(latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
    del condition
    return GENERATOR(latents).view(-1, 1, 8, 8)


def inputs(
    seed: int = 0, side: Literal["discriminator", "generator"] = "discriminator"
) -> LossInputs:
    rng = torch.Generator().manual_seed(seed)
    real = torch.randn(6, 1, 8, 8, generator=rng, dtype=torch.float64)
    latents = torch.randn(6, 3, generator=rng, dtype=torch.float64)
    fake = generate(latents)
    if side == "discriminator":
        fake = fake.detach()
    return LossInputs(
        side=side,
        fake=fake,
        real=real,
        fake_output=DiscriminatorOutput(logits(fake)),
        real_output=DiscriminatorOutput(logits(real)),
        latents=latents,
        discriminator=lambda samples: DiscriminatorOutput(logits(samples)),
        generator=generate,
        differentiate=input_gradient,
        rng=rng,
    )


def regularizer(name: str, **fields: Any) -> Any:
    return TypeAdapter(Regularizer).validate_python({"type": name, **fields}).build()


def gradients(value: torch.Tensor, module: nn.Module) -> list[torch.Tensor]:
    return list(torch.autograd.grad(value, list(module.parameters()), allow_unused=True))


@pytest.mark.parametrize("one_sided", [True, False])
def test_lecam_pulls_logits_to_the_moving_mean_of_the_other_side(one_sided: bool) -> None:
    penalty = regularizer("lecam", decay=0.7, one_sided=one_sided).double()
    weights, reals, fakes = [], [], []
    for step in range(4):
        given = inputs(step)
        real, fake = logits(given.real), logits(given.fake)
        weights = [0.7 * each for each in weights] + [1.0]
        reals, fakes = [*reals, real.mean().item()], [*fakes, fake.mean().item()]
        a_real, a_fake = (
            sum(w * m for w, m in zip(weights, means, strict=True)) / sum(weights)
            for means in (reals, fakes)
        )
        over, under = real - a_fake, a_real - fake
        if one_sided:
            over, under = over.clamp(min=0), under.clamp(min=0)
        expected = (over**2).mean() + (under**2).mean()
        found = penalty(given)
        torch.testing.assert_close(found, expected, **CLOSE)
        torch.testing.assert_close(
            gradients(found, DISCRIMINATOR), gradients(expected, DISCRIMINATOR), **CLOSE
        )


def test_bcr_compares_logits_of_samples_with_those_of_augmented_ones() -> None:
    shift = {"type": "diffaugment", "operations": ["translation"]}
    given = inputs()
    state = given.rng.get_state()
    found = regularizer("bcr", fake_weight=0.5)(given)
    change = TypeAdapter(Augmentation).validate_python(shift).build()
    given.rng.set_state(state)
    expected = torch.zeros((), dtype=torch.float64)
    for samples, weight in ((given.real, 1.0), (given.fake, 0.5)):
        difference = logits(samples) - logits(change(samples, given.rng))
        expected = expected + weight * (difference**2).sum() / 6
    torch.testing.assert_close(found, expected, **CLOSE)
    torch.testing.assert_close(
        gradients(found, DISCRIMINATOR), gradients(expected, DISCRIMINATOR), **CLOSE
    )
    only_real = regularizer("bcr", fake_weight=0)
    given.rng.set_state(state)
    difference = logits(given.real) - logits(change(given.real, given.rng))
    given.rng.set_state(state)
    torch.testing.assert_close(only_real(given), (difference**2).mean(), **CLOSE)


@pytest.mark.parametrize("side", ["discriminator", "generator"])
def test_zcr_compares_samples_of_nearby_latents(
    side: Literal["discriminator", "generator"],
) -> None:
    fields = {"type": "zcr", "discriminator_weight": 3.0, "generator_weight": 0.25, "noise": 0.2}
    # Nothing of a setting is used but that it has latents, which ``check`` looks at.
    term: Any = TypeAdapter(AuxiliaryLoss).validate_python(fields)
    given = inputs(side=side)
    assert given.latents is not None
    state = given.rng.get_state()
    found = term.build(None)(given)
    given.rng.set_state(state)
    noise = torch.randn(6, 3, generator=given.rng).double()
    nearby = generate(given.latents + 0.2 * noise)
    if side == "discriminator":
        expected = 3 * ((logits(given.fake) - logits(nearby)) ** 2).mean()
    else:
        expected = -0.25 * ((given.fake - nearby) ** 2).mean()
    torch.testing.assert_close(found, expected, **CLOSE)
    trained = DISCRIMINATOR if side == "discriminator" else GENERATOR
    trained.zero_grad()
    (found - expected).backward()
    for parameter in trained.parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, torch.zeros_like(parameter), **CLOSE)


NETWORKS = {
    "generator": {"type": "mlp", "hidden": [8]},
    "discriminator": {"type": "mlp", "hidden": [8]},
}


@pytest.mark.parametrize(
    ("dataset", "augmentation", "message"),
    [
        ("mnist-5k", "ada", "'bcr' needs an augmentation without state, and 'ada' follows"),
        ("ring", "diffaugment", "'diffaugment' changes images only"),
    ],
)
def test_bcr_refuses_augmentations_that_do_not_fit(
    dataset: str, augmentation: str, message: str
) -> None:
    spec = {"dataset": dataset, "regularizers": [{"type": "bcr", "augmentation": augmentation}]}
    with pytest.raises(SpecError, match=f"regularizers.0: {message}"):
        ganzoo.load_spec({**spec, **NETWORKS}).check()
