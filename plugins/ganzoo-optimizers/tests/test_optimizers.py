"""The optimizer and the algorithms are what their papers say, as plain versions in float64 show."""

from __future__ import annotations

import copy
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_optimizers.components import OptimisticAdam
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import softplus

import ganzoo
from ganzoo.errors import Interrupted, SpecError
from ganzoo.hookspecs import hookimpl
from ganzoo.training import Batch, Game, TrainingContext

STEPS, SIZE = 7, 8

SPEC: dict[str, Any] = {
    "dataset": "ring",
    "latent": {"type": "normal", "dim": 3},
    "generator": {"type": "mlp", "hidden": [8], "activation": "tanh"},
    "discriminator": {"type": "mlp", "hidden": [8], "activation": "tanh"},
    "generator_optimizer": {"type": "adam", "lr": 0.02, "betas": [0.5, 0.9]},
    "discriminator_optimizer": {"type": "adam", "lr": 0.05, "betas": [0.5, 0.9]},
}


class StopAt:
    """Asks the run to stop in the middle of a look ahead."""

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)


Player = tuple[nn.Module, torch.optim.Optimizer]
Step = Callable[[Player, Player, Callable[[], torch.Tensor], Callable[[], torch.Tensor], int], None]


def samples() -> Callable[[], torch.Tensor]:
    """Return what gives batches of real samples."""
    rng = torch.Generator().manual_seed(1)
    return lambda: torch.randn(SIZE, 2, generator=rng, dtype=torch.float64)


def built(**keys: Any) -> Game:
    spec, rng = ganzoo.load_spec(SPEC | keys), torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    context = TrainingContext(spec.training, torch.device("cpu"), torch.float64, rng)
    return spec.algorithm.build(spec.check(), context)


def players(game: Game) -> tuple[Player, Player]:
    """Return copies of both networks, with torch's own Adam."""
    generator, discriminator = (
        copy.deepcopy(game.networks[name]) for name in ("generator", "discriminator")
    )
    return (
        (generator, torch.optim.Adam(generator.parameters(), lr=0.02, betas=(0.5, 0.9))),
        (discriminator, torch.optim.Adam(discriminator.parameters(), lr=0.05, betas=(0.5, 0.9))),
    )


def assert_same(game: Game, take_step: Step) -> None:
    """Compare the weights of a game with those of a plain version, after some steps."""
    (generator, of_g), (discriminator, of_d) = players(game)
    rng, real = torch.Generator().manual_seed(0), samples()
    for step in range(STEPS):
        take_step(
            (generator, of_g),
            (discriminator, of_d),
            real,
            lambda: torch.randn(SIZE, 3, generator=rng).double(),
            step,
        )
    batches = samples()
    for step in range(STEPS):
        game.step(lambda: Batch(batches()), step, step / STEPS)
    for name, plain in (("generator", generator), ("discriminator", discriminator)):
        for ours, theirs in zip(game.networks[name].parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def discriminator_loss(
    discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor
) -> torch.Tensor:
    return softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()


def test_optimistic_adam_is_its_formula() -> None:
    component = OptimisticAdam(lr=0.1, betas=(0.5, 0.9), weight_decay=0.01)
    weight = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
    optimizer = component.build([{"params": [weight]}])
    optimizer.param_groups[0].update(lr=0.1, betas=(0.5, 0.9), weight_decay=0.01)
    value, first, second, last = 1.5, 0.0, 0.0, 0.0
    for step in range(1, 20):
        optimizer.zero_grad()
        torch.sin(3 * weight).backward()
        optimizer.step()
        gradient = 3 * math.cos(3 * value) + 0.01 * value
        first = 0.5 * first + 0.5 * gradient
        second = 0.9 * second + 0.1 * gradient**2
        direction = (first / (1 - 0.5**step)) / (math.sqrt(second / (1 - 0.9**step)) + 1e-8)
        value -= 0.1 * (2 * direction - last)
        last = direction
        assert weight.item() == pytest.approx(value, abs=1e-9)


def test_extragradient_is_a_plain_loop() -> None:
    def take_step(
        generator: Player,
        discriminator: Player,
        real: Callable[[], torch.Tensor],
        latents: Callable[[], torch.Tensor],
        step: int,
    ) -> None:
        del step
        weights = [*generator[0].parameters(), *discriminator[0].parameters()]
        here = [each.detach().clone() for each in weights]
        for looking_ahead in (True, False):
            fake, batch = generator[0](latents()), real()
            loss = discriminator_loss(discriminator[0], batch, fake.detach())
            theirs = torch.autograd.grad(loss, list(discriminator[0].parameters()))
            loss = softplus(-discriminator[0](fake)).mean()
            ours = torch.autograd.grad(loss, list(generator[0].parameters()))
            for weight, gradient, start in zip(weights, ours + theirs, here, strict=True):
                weight.grad = gradient
                if not looking_ahead:
                    weight.data.copy_(start)
            generator[1].step()
            discriminator[1].step()

    assert_same(built(algorithm="extragradient"), take_step)


def test_a_lazy_regularizer_counts_in_both_gradients_of_its_step() -> None:
    penalty = {"type": "gradient_penalty", "every": 2}
    game = built(algorithm="extragradient", regularizers=[penalty])
    ended, batches = [], samples()
    for step in range(4):
        numbers = game.step(lambda: Batch(batches()), step, 0.0)
        ended.append(any(name.startswith("regularizer/") for name in numbers))
    assert ended == [True, False, True, False]


@pytest.mark.parametrize(("every", "fraction"), [(3, 0.5), (2, 0.8), (1, 1.0)])
def test_lookahead_is_a_plain_loop(every: int, fraction: float) -> None:
    slow: list[torch.Tensor] = []

    def take_step(
        generator: Player,
        discriminator: Player,
        real: Callable[[], torch.Tensor],
        latents: Callable[[], torch.Tensor],
        step: int,
    ) -> None:
        weights = [*generator[0].parameters(), *discriminator[0].parameters()]
        if not slow:
            slow.extend(each.detach().clone() for each in weights)
        fake, batch = generator[0](latents()), real()
        discriminator[1].zero_grad()
        discriminator_loss(discriminator[0], batch, fake.detach()).backward()
        discriminator[1].step()
        generator[1].zero_grad()
        softplus(-discriminator[0](fake)).mean().backward()
        generator[1].step()
        if (step + 1) % every == 0:
            for place, weight in enumerate(weights):
                slow[place] = slow[place] + fraction * (weight.detach() - slow[place])
                weight.data.copy_(slow[place])

    game = built(algorithm="lookahead_minmax", lookahead_steps=every, lookahead_fraction=fraction)
    assert_same(game, take_step)


@pytest.mark.parametrize("keys", [{"discriminator_steps": 2}, {"reuse_fakes": False}])
def test_extragradient_refuses_players_that_step_in_turn(keys: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(keys))):
        ganzoo.load_spec(SPEC | keys | {"algorithm": "extragradient"}).check()


def test_a_resumed_lookahead_goes_back_to_where_it_was(tmp_path: Path) -> None:
    spec = SPEC | {
        "algorithm": "lookahead_minmax",
        "lookahead_steps": 4,
        "dataset": {"type": "ring", "count": 64},
        "training": {"duration": "6 steps", "batch_size": SIZE},
        "output": {"checkpoint_every": "2 steps", "log_every": "1 step", "samples": 1},
    }
    whole = ganzoo.run(spec, output=tmp_path / "whole")
    with pytest.raises(Interrupted):
        ganzoo.run(spec, output=tmp_path / "parts", listeners=[StopAt()])
    resumed = ganzoo.resume(tmp_path / "parts")
    states = [load_file(run.directory.checkpoints()[0]) for run in (whole, resumed)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
