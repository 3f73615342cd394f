"""The standard game: what each option of a spec does to the steps it takes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import nn

from ganzoo import load_spec
from ganzoo.components import (
    AdversarialLoss,
    Augmentation,
    Loss,
    LossInputs,
    Penalty,
    Regularizer,
    registry,
)
from ganzoo.components.registry import Entry, Provider
from ganzoo.data.batches import Batch
from ganzoo.training.setup import Prepared, prepare

CPU = torch.device("cpu")


class Recorded(Loss):
    """The loss of the hinge paper's generator for both sides, noting what it was given."""

    type: Literal["recorded"] = "recorded"
    calls: ClassVar[list[tuple[str, torch.Tensor, torch.Tensor | None]]] = []

    def build(self) -> AdversarialLoss:
        def discriminator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
            self.calls.append(("discriminator", real.detach(), fake.detach()))
            return (fake - real).mean()

        def generator(fake: torch.Tensor, real: torch.Tensor | None) -> torch.Tensor:
            self.calls.append(("generator", fake.detach(), real))
            return -fake.mean()

        return AdversarialLoss(discriminator, generator, generator_needs_real=True)


class CountedPenalty(Regularizer):
    """A constant penalty with a gradient, noting when it was used."""

    type: Literal["counted"] = "counted"
    inputs: ClassVar[list[LossInputs]] = []

    def build(self) -> Penalty:
        def penalty(inputs: LossInputs) -> torch.Tensor:
            self.inputs.append(inputs)
            return inputs.fake_output.logits.sum() * 0 + 1.0

        return penalty


class Darken(Augmentation):
    """Black: whatever the discriminator sees is the same."""

    type: Literal["darken"] = "darken"

    def build(self) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor]:
        return lambda x, rng: x * 0 - 1


@pytest.fixture(autouse=True)
def components() -> Iterator[None]:
    """Register the components above for a test."""
    installed = registry.active()
    mine = registry.Registry()
    provider = Provider("tests", "1")
    entries = [
        Entry("loss", "recorded", Recorded, provider),
        Entry("regularizer", "counted", CountedPenalty, provider),
        Entry("augmentation", "darken", Darken, provider),
    ]
    for entry in [*installed.entries(), *entries]:
        mine.add(entry)
    Recorded.calls.clear()
    CountedPenalty.inputs.clear()
    with registry.using(mine), torch.random.fork_rng():
        yield


def prepared(small: dict[str, Any], *overrides: str) -> Prepared:
    spec = load_spec(small, overrides=["training.precision=float64", *overrides])
    return prepare(spec, spec.check(), CPU)


def step(run: Prepared, index: int = 0) -> dict[str, torch.Tensor]:
    return run.state.game.step(run.state.batches.next, index, 0.0)


def weights(run: Prepared, name: str) -> torch.Tensor:
    return torch.cat(
        [each.detach().flatten() for each in run.state.game.networks[name].parameters()]
    )


def test_both_networks_learn(small: dict[str, Any]) -> None:
    run = prepared(small)
    before = {name: weights(run, name) for name in ("generator", "discriminator")}
    numbers = step(run)
    assert all(not torch.equal(weights(run, name), value) for name, value in before.items())
    assert set(numbers) == {"loss/discriminator", "loss/generator", "score/real", "score/fake"}
    assert all(not value.requires_grad and value.dim() == 0 for value in numbers.values())


def test_fakes_of_the_discriminators_last_step_are_used_again(small: dict[str, Any]) -> None:
    run = prepared(small, "loss=recorded", "discriminator.dropout=0", "discriminator_steps=3")
    latent, draws = run.state.game.networks["latent"], []
    latent.register_forward_hook(lambda *_: draws.append(1))
    Recorded.calls.clear()  # of the watchdog, which asks what the losses are at chance
    step(run)
    sides = [side for side, *_ in Recorded.calls]
    assert sides == ["discriminator"] * 3 + ["generator"]
    assert len(draws) == 3


def test_fresh_fakes_are_made_where_asked_for(small: dict[str, Any]) -> None:
    run = prepared(small, "reuse_fakes=false")
    draws: list[int] = []
    run.state.game.networks["latent"].register_forward_hook(lambda *_: draws.append(1))
    step(run)
    assert len(draws) == 2


def test_relativistic_losses_get_the_logits_of_real_samples(small: dict[str, Any]) -> None:
    run = prepared(small, "loss=recorded")
    step(run)
    side, fake, real = Recorded.calls[-1]
    assert side == "generator"
    assert real is not None
    assert real.shape == fake.shape == (16,)
    assert not real.requires_grad


def test_loss_weights_scale_the_losses(small: dict[str, Any]) -> None:
    plain = step(prepared(small))
    halved = step(prepared(small, "loss.discriminator_weight=0.5", "loss.generator_weight=2"))
    assert halved["loss/discriminator"] == pytest.approx(plain["loss/discriminator"].item() / 2)


@pytest.mark.parametrize("labelled", [False, True], ids=["unconditional", "conditional"])
def test_accumulation_gives_the_gradients_of_the_whole_batch(
    small: dict[str, Any], labelled: bool
) -> None:
    settings = [
        "discriminator.dropout=0",
        "reuse_fakes=false",
        "discriminator_optimizer.type=sgd",
        "generator_optimizer.type=sgd",
        f"generator.conditional={str(labelled).lower()}",
        f"discriminator.conditional={str(labelled).lower()}",
    ]
    whole, parts = prepared(small, *settings), prepared(small, *settings, "training.accumulation=4")
    # Latents drawn in four parts are not those drawn at once: give both the same.
    for run in (whole, parts):
        drawn = torch.randn(64, 8, generator=torch.Generator().manual_seed(3))
        run.state.game._latent = _Replay(drawn)
    numbers = step(whole), step(parts)
    for name in ("generator", "discriminator"):
        assert torch.allclose(weights(whole, name), weights(parts, name), rtol=1e-12, atol=1e-14)
    for key, value in numbers[0].items():
        assert numbers[1][key].item() == pytest.approx(value.item(), rel=1e-12)


class _Replay(nn.Module):
    """Gives latents from a list, in order."""

    def __init__(self, drawn: torch.Tensor) -> None:
        super().__init__()
        self.drawn, self.position = drawn, 0

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        self.position += n
        return self.drawn[self.position - n : self.position]


def test_lazy_penalties_are_due_every_few_discriminator_steps(small: dict[str, Any]) -> None:
    run = prepared(
        small,
        'regularizers=[{"type": "counted", "every": 4, "weight": 3}]',
        "discriminator_steps=2",
    )
    used = []
    for index in range(6):
        before = len(CountedPenalty.inputs)
        step(run, index)
        used.append(len(CountedPenalty.inputs) - before)
    assert used == [1, 0, 1, 0, 1, 0]
    inputs = CountedPenalty.inputs[0]
    assert inputs.real.shape == inputs.fake.shape == (16, 1, 28, 28)
    assert not inputs.real.requires_grad
    assert not inputs.fake.requires_grad
    assert inputs.condition is None


def test_the_discriminator_sees_augmented_samples_alone(small: dict[str, Any]) -> None:
    numbers = step(prepared(small, "augmentation=darken", "discriminator.dropout=0"))
    assert numbers["score/real"] == numbers["score/fake"]


def test_weight_clipping_holds_after_each_step(small: dict[str, Any]) -> None:
    run = prepared(small, "loss=wgan")
    step(run)
    assert weights(run, "discriminator").abs().max() <= 0.01
    assert weights(run, "generator").abs().max() > 0.01


def test_gradients_are_clipped_to_the_norm(small: dict[str, Any]) -> None:
    sgd = '{"type": "sgd", "lr": 1.0, "clip_norm": 0.001}'
    run = prepared(small, f"generator_optimizer={sgd}")
    before = weights(run, "generator")
    step(run)
    moved = (weights(run, "generator") - before).norm().item()
    assert moved == pytest.approx(0.001, rel=1e-3)


def test_one_pass_over_both_halves_is_the_same_game(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["discriminator.dropout=0"]
    joined, apart = prepared(small, *settings), prepared(small, *settings)
    monkeypatch.setattr(apart.state.game._adversary, "_joined", False)
    assert joined.state.game._adversary._joined
    one, other = step(joined), step(apart)
    for key, value in one.items():
        assert other[key].item() == pytest.approx(value.item(), rel=1e-12)
    assert torch.allclose(
        weights(joined, "discriminator"), weights(apart, "discriminator"), rtol=1e-12
    )


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32"])
def test_mixed_precision_keeps_full_weights_and_finite_losses(
    small: dict[str, Any], precision: str
) -> None:
    spec = load_spec(
        small, overrides=[f"training.precision={precision}", 'regularizers=["gradient_penalty"]']
    )
    run = prepare(spec, spec.check(), CPU)
    before = weights(run, "generator")
    for index in range(3):
        numbers = step(run, index)
        assert all(torch.isfinite(value) for value in numbers.values())
    assert weights(run, "generator").dtype == torch.float32
    assert not torch.equal(weights(run, "generator"), before)


def test_the_generators_step_leaves_the_discriminator_trainable_and_unmoved(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(small)
    discriminator = run.state.game.networks["discriminator"]
    optimizer = run.state.game.optimizers["generator"]
    before: dict[str, torch.Tensor] = {}
    update = optimizer.update

    def watched(*args: Any) -> Any:
        before.update(copy.deepcopy(discriminator.state_dict()))
        return update(*args)

    monkeypatch.setattr(optimizer, "update", watched)
    step(run)
    assert before
    assert all(
        torch.equal(before[name], value) for name, value in discriminator.state_dict().items()
    )
    assert all(each.requires_grad for each in discriminator.parameters())


def test_batches_are_real_samples_in_range(small: dict[str, Any]) -> None:
    batch: Batch = prepared(small).state.batches.next()
    assert batch.sample.shape == (16, 1, 28, 28)
    assert batch.sample.min() == -1
    assert batch.sample.max() == 1
    assert batch.condition is None
