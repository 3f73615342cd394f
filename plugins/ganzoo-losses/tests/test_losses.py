"""The losses: their formulas, gradients and invariances."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganzoo.components import AdversarialLoss, AuxiliaryLoss, Loss, Regularizer, registry

Array = NDArray[np.float64]

RELATIVISTIC = ("relativistic_average", "relativistic_pairing")


def build(name: str, **parameters: Any) -> AdversarialLoss:
    """Validate a loss as a spec does, and build it."""
    loss: Loss = TypeAdapter(Loss).validate_python({"type": name, **parameters})
    return loss.build()


def own_names() -> list[str]:
    """Names of the losses this package provides."""
    return [
        entry.name
        for entry in registry.active().entries("loss")
        if entry.provider.name == "ganzoo-losses"
    ]


def logits(n: int = 7, scale: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, n, generator=rng, dtype=torch.float64) * scale
    return real.requires_grad_(), fake.requires_grad_()


def log_sigmoid(x: Array) -> Array:
    return np.log(1 / (1 + np.exp(-x)))


def ragan(high: Array, low: Array) -> float:
    likely = 1 / (1 + np.exp(-(high - low.mean())))
    unlikely = 1 / (1 + np.exp(-(low - high.mean())))
    return float(-np.log(likely).mean() - np.log(1 - unlikely).mean())


def rpgan(high: Array, low: Array) -> float:
    return float(np.mean([-log_sigmoid(h - lo) for h, lo in zip(high, low, strict=True)]))


Formula = Callable[[Array, Array], float]
FORMULAS: list[tuple[str, dict[str, Any], Formula, Formula]] = [
    (
        "lsgan",
        {},
        lambda r, f: float(((r - 1) ** 2).mean() + (f**2).mean()),
        lambda r, f: float(((f - 1) ** 2).mean()),
    ),
    (
        "lsgan",
        {"a": -1.0, "b": 2.0, "c": 0.5},
        lambda r, f: float(((r - 2) ** 2).mean() + ((f + 1) ** 2).mean()),
        lambda r, f: float(((f - 0.5) ** 2).mean()),
    ),
    ("wgan", {}, lambda r, f: float(f.mean() - r.mean()), lambda r, f: float(-f.mean())),
    (
        "hinge",
        {},
        lambda r, f: float(-np.minimum(0, r - 1).mean() - np.minimum(0, -f - 1).mean()),
        lambda r, f: float(-f.mean()),
    ),
    # Before training begins, the generator learns from all of its samples.
    (
        "top_k",
        {"loss": "bce"},
        lambda r, f: float(-log_sigmoid(r).mean() - log_sigmoid(-f).mean()),
        lambda r, f: float(-log_sigmoid(f).mean()),
    ),
    ("relativistic_average", {}, ragan, lambda r, f: ragan(f, r)),
    ("relativistic_pairing", {}, rpgan, lambda r, f: rpgan(f, r)),
]


@pytest.mark.parametrize(("name", "parameters", "discriminator", "generator"), FORMULAS)
def test_values_are_those_of_the_formula(
    name: str, parameters: dict[str, Any], discriminator: Formula, generator: Formula
) -> None:
    loss = build(name, **parameters)
    real, fake = logits()
    arrays = real.detach().numpy(), fake.detach().numpy()
    assert loss.discriminator(real, fake).item() == pytest.approx(discriminator(*arrays))
    assert loss.generator(fake, real).item() == pytest.approx(generator(*arrays))


def test_every_loss_has_a_formula_here() -> None:
    assert {name for name, *_ in FORMULAS} == set(own_names())


@pytest.mark.parametrize("name", own_names())
def test_gradients_are_exact(name: str) -> None:
    loss, (real, fake) = build(name), logits(5)
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (fake, real))


@pytest.mark.parametrize("name", own_names())
def test_discriminator_raises_real_logits_and_lowers_fake_ones(name: str) -> None:
    real, fake = logits(16, scale=0.4)
    build(name).discriminator(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    # Least squares draws each logit to its target, here from both sides.
    expected = torch.sign(fake.detach()) if name == "lsgan" else torch.ones_like(fake)
    assert torch.equal(torch.sign(fake.grad), expected)


@pytest.mark.parametrize("name", own_names())
def test_generator_raises_fake_logits(name: str) -> None:
    real, fake = logits(16, scale=0.4)
    build(name).generator(fake, real).backward()
    assert fake.grad is not None
    assert (fake.grad < 0).all()


@pytest.mark.parametrize("name", own_names())
@pytest.mark.parametrize("real_sign", [1, -1])
@pytest.mark.parametrize("fake_sign", [1, -1])
def test_extreme_logits_stay_finite(name: str, real_sign: int, fake_sign: int) -> None:
    real = torch.full((4,), 1e4 * real_sign, requires_grad=True)
    fake = torch.full((4,), 1e4 * fake_sign, requires_grad=True)
    loss = build(name)
    for value in (loss.discriminator(real, fake), loss.generator(fake, real)):
        assert value.isfinite()
        for gradient in torch.autograd.grad(value, (real, fake), allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize("name", own_names())
def test_only_relativistic_losses_ask_the_generator_for_real_logits(name: str) -> None:
    loss = build(name)
    real, fake = logits()
    assert loss.generator_needs_real == (name in RELATIVISTIC)
    if not loss.generator_needs_real:
        assert loss.generator(fake, None) == loss.generator(fake, real)
    else:
        with pytest.raises(TypeError, match="real"):
            loss.generator(fake, None)


@pytest.mark.parametrize("name", ["bce", "hinge", "wgan", *RELATIVISTIC])
@pytest.mark.parametrize(("progress", "kept"), [(0.0, 7), (0.5, 6), (0.99, 4)])
def test_top_k_is_the_loss_of_the_best_samples(name: str, progress: float, kept: int) -> None:
    base, (real, fake) = build(name), logits()
    loss = build("top_k", loss=name).at(progress)
    best = sorted(range(7), key=lambda n: -fake[n].item())[:kept]
    expected = base.generator(fake[best], real[best])
    torch.testing.assert_close(loss.generator(fake, real), expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(loss.discriminator(real, fake), base.discriminator(real, fake))
    assert loss.constrain is not None if name == "wgan" else loss.constrain is None
    assert loss.generator_needs_real == (name in RELATIVISTIC)


def test_top_k_compares_samples_by_the_mean_of_their_patches() -> None:
    fake = torch.tensor([[5.0, -9.0], [1.0, 1.0], [0.0, 0.0]])
    loss = build("top_k", loss="wgan", fraction=0.1).at(0.0)
    assert loss.generator(fake, None) == -1, "at least one sample is kept"


def test_top_k_holds_other_losses_that_change_but_none_with_weights() -> None:
    fake = torch.arange(8.0)
    half = {"type": "top_k", "loss": "wgan", "fraction": 0.5}
    assert build("top_k", loss=half, fraction=0.5).at(0.0).generator(fake, None) == -6.5
    with pytest.raises(ValidationError, match="leave out 'generator_weight' here"):
        build("top_k", loss={"type": "bce", "generator_weight": 2})


@pytest.mark.parametrize("fraction", [1.5, {"type": "linear", "start": 1, "end": -0.1}])
def test_top_k_refuses_fractions_of_more_than_all_or_less_than_none(fraction: Any) -> None:
    with pytest.raises(ValidationError, match="must stay between 0 and 1"):
        build("top_k", fraction=fraction)


@pytest.mark.parametrize("name", RELATIVISTIC)
def test_relativistic_losses_ignore_what_all_logits_share(name: str) -> None:
    loss, (real, fake) = build(name), logits()
    expected = loss.discriminator(real, fake), loss.generator(fake, real)
    real, fake = real + 5, fake + 5
    actual = loss.discriminator(real, fake), loss.generator(fake, real)
    torch.testing.assert_close(actual, expected)


def test_pairing_depends_on_the_pairs_and_average_does_not() -> None:
    real, fake = logits()
    pairing, average = build("relativistic_pairing"), build("relativistic_average")
    assert not torch.isclose(
        pairing.discriminator(real, fake), pairing.discriminator(real, fake.flip(0))
    )
    torch.testing.assert_close(
        average.discriminator(real, fake), average.discriminator(real, fake.flip(0))
    )


def test_wgan_clips_every_parameter_and_keeps_those_within() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 1))
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    constrain = build("wgan", clip=0.05).constrain
    assert constrain is not None
    constrain(critic)
    for parameter, old in zip(critic.parameters(), before, strict=True):
        assert parameter.requires_grad
        assert torch.equal(parameter, old.clip(-0.05, 0.05))
    assert any(old.abs().max() > 0.05 for old in before)


def test_clipping_can_be_left_out() -> None:
    assert build("wgan").constrain is not None
    assert build("wgan", clip=None).constrain is None
    assert all(build(name).constrain is None for name in own_names() if name != "wgan")


def test_mistakes_are_refused_with_advice() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        build("wgan", clip=0)
    with pytest.raises(ValidationError, match="did you mean 'clip'"):
        build("wgan", clipp=0.1)


def test_readme_lists_all_names_and_its_specs_are_valid() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    ours = [
        entry.name
        for entry in registry.active().entries()
        if entry.provider.name == "ganzoo-losses"
    ]
    assert listed == set(ours)
    specs = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert specs
    for spec in specs:
        TypeAdapter(Loss).validate_python(spec.get("loss", "bce"))
        TypeAdapter(list[Regularizer]).validate_python(spec.get("regularizers", []))
        TypeAdapter(list[AuxiliaryLoss]).validate_python(spec.get("auxiliary_losses", []))


def test_plugin_is_imported_without_torch() -> None:
    code = (
        "import sys, ganzoo_losses.plugin as plugin; list(plugin.ganzoo_components());"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
