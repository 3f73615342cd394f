"""Runs of the recipes are the published programs: same losses, gradients and weights, step by step.

Both sides start from the same weights and see the same real digits and latents. Compared in float64:
batch norm makes trajectories chaotic, and float32 would hide a mistake behind round-off.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch
from references import r1, r2, r4, r5
from references.weights import copy_weights
from torch import nn

from ganzoo import load_spec
from ganzoo.data.batches import Batch
from ganzoo.training.setup import Prepared, prepare
from ganzoo.utils.devices import numerics

CPU = torch.device("cpu")
STEPS = 5
TOLERANCE = 1e-9


class Program(NamedTuple):
    """A recipe and the published program it is."""

    recipe: str
    module: ModuleType
    activation: Callable[[], nn.Module] | None = None

    def networks(self) -> tuple[nn.Module, nn.Module]:
        arguments: tuple[Any, ...] = () if self.activation is None else (self.activation,)
        return (
            self.module.generator(*arguments).double(),
            self.module.discriminator(*arguments).double(),
        )


PROGRAMS = [
    Program("mlp-mnist", r1),
    Program("dcgan-mnist", r2),
    *(Program(f"dcgan-mnist-{name}", r2, make) for name, make in r2.ACTIVATIONS.items()),
    Program("fc-fashion", r4),
    Program("cnn-fashion", r5),
]


def prepared_run(recipe: str) -> Prepared:
    """Return the recipe's run on real digits with everything as it ships, but in float64."""
    spec = load_spec(
        recipe,
        overrides=[
            'dataset={"type": "mnist-5k", "horizontal_flip": true}',
            "training.precision=float64",
        ],
    )
    return prepare(spec, spec.check(), CPU)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.recipe)
def test_training_takes_the_steps_of_the_published_program(program: Program) -> None:
    with numerics(CPU, deterministic=False):
        ours = prepared_run(program.recipe)
        game, batches = ours.state.game, ours.state.batches
        generator, discriminator = game.networks["generator"], game.networks["discriminator"]
        torch.manual_seed(1)
        their_g, their_d = program.networks()
        copy_weights(their_g, generator)
        copy_weights(their_d, discriminator)
        optimizer_g = torch.optim.Adam(their_g.parameters(), lr=program.module.LR_G)
        optimizer_d = torch.optim.Adam(their_d.parameters(), lr=program.module.LR_D)

        for step in range(STEPS):
            batch = batches.next()
            z = next_latents(ours, len(batch.sample))

            # The same masks of dropout for both.
            torch.manual_seed(step)
            numbers = game.step(lambda batch=batch: batch, step, step / STEPS)
            torch.manual_seed(step)
            losses = program.module.train_step(
                their_g, their_d, optimizer_g, optimizer_d, batch.sample, z
            )

            ours_d, ours_g = numbers["loss/discriminator"], numbers["loss/generator"]
            assert ours_d.item() == pytest.approx(losses[0], rel=TOLERANCE)
            assert ours_g.item() == pytest.approx(losses[1], rel=TOLERANCE)
            assert_close(gradients(generator), gradients(their_g))
            assert_close(list(generator.state_dict().values()), list(their_g.state_dict().values()))
            assert_close(
                list(discriminator.state_dict().values()), list(their_d.state_dict().values())
            )


def next_latents(run: Prepared, n: int) -> torch.Tensor:
    """Return the latents that the run is going to draw, without drawing them."""
    rng = torch.Generator()
    rng.set_state(run.state.rng.get_state())
    z: torch.Tensor = run.state.game.networks["latent"](n, rng)
    return z.double()


def gradients(network: nn.Module) -> list[torch.Tensor]:
    return [each.grad for each in network.parameters() if each.grad is not None]


def assert_close(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        scale = b.abs().max().item()
        assert (a - b).abs().max().item() <= TOLERANCE * max(scale, 1e-12)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.recipe)
def test_the_recipe_has_the_numbers_of_the_published_program(program: Program) -> None:
    spec = load_spec(program.recipe, overrides=["dataset=mnist-5k"])
    training = spec.training
    assert training.batch_size == program.module.BATCH
    assert training.last_batch == "keep"
    assert spec.algorithm.latent.dim == program.module.LATENT
    algorithm = spec.algorithm
    assert algorithm.generator_optimizer.lr.build()(0.0) == program.module.LR_G
    assert algorithm.discriminator_optimizer.lr.build()(0.0) == program.module.LR_D
    assert training.ema is None


def test_a_change_of_the_loss_is_noticed() -> None:
    """The comparison can fail: a run with another weight on D's loss is not the program."""
    ours = prepared_run("mlp-mnist")
    generator, discriminator = r1.generator().double(), r1.discriminator().double()
    copy_weights(generator, ours.state.game.networks["generator"])
    copy_weights(discriminator, ours.state.game.networks["discriminator"])
    batch: Batch = ours.state.batches.next()
    z = next_latents(ours, len(batch.sample))
    optimizers = [
        torch.optim.Adam(each.parameters(), lr=1e-3) for each in (generator, discriminator)
    ]
    numbers = ours.state.game.step(lambda: batch, 0, 0.0)
    losses = r1.train_step(generator, discriminator, *optimizers, batch.sample, z)
    assert numbers["loss/discriminator"].item() == pytest.approx(losses[0], rel=TOLERANCE)
    assert numbers["loss/generator"].item() != pytest.approx(losses[1], rel=TOLERANCE)
