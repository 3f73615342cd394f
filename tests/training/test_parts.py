"""What algorithms are built of, where parts of it meet: callbacks, regularizers, auxiliary losses."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.builtin.gan import GAN
from ganzoo.components import (
    AuxiliaryLoss,
    Callback,
    CallbackSetting,
    CallbackState,
    Control,
    Discriminator,
    LossInputs,
    Regularizer,
    Setting,
    Side,
    registry,
)
from ganzoo.components.registry import Entry, Provider
from ganzoo.errors import Interrupted, SpecError
from ganzoo.hookspecs import hookimpl
from ganzoo.nn import parametrized
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.training.setup import Prepared, prepare

CPU = torch.device("cpu")


class Mean(nn.Module):
    """A moving mean of what it sees, which is its state."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs: Any) -> torch.Tensor:
        logits = inputs.fake_output.logits
        self.mean.lerp_(logits.detach().mean(), 0.5)  # type: ignore[operator] # a buffer
        return logits.mean() * 1e-3


class TwinLoss(AuxiliaryLoss):
    """An auxiliary loss with state, of the same name as the regularizer."""

    type: Literal["twin"] = "twin"

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        return Mean()


class TwinRegularizer(Regularizer):
    """A regularizer with state, of the same name as the auxiliary loss."""

    type: Literal["twin"] = "twin"

    def build(self) -> Callable[[LossInputs], torch.Tensor]:
        return Mean()


class Head(nn.Module):
    """A learned factor."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, inputs: LossInputs) -> torch.Tensor:
        return self.factor * inputs.fake_output.logits.mean()


class OfGenerator(AuxiliaryLoss):
    """An auxiliary loss of the generator's side alone, with a parameter."""

    type: Literal["of_generator"] = "of_generator"
    sides: ClassVar[frozenset[Side]] = frozenset({"generator"})

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        return Head()


class OnSave(Callback):
    """Acts where a checkpoint is due."""

    type: Literal["on_save"] = "on_save"
    action: Literal["stop", "scale"]

    def build(self, setting: CallbackSetting) -> CallbackState:
        return _OnSave(self.action)


class _OnSave(CallbackState):
    def __init__(self, action: str) -> None:
        self.action, self.saves = action, 0

    def on_save(self, step: int, control: Control) -> None:
        self.saves += 1
        if self.action == "stop":
            control.stop("enough")
        else:
            control.scale("generator", "lr", 0.5**self.saves, "slower")

    def state_dict(self) -> dict[str, Any]:
        return {"saves": self.saves}

    def load_state_dict(self, state: Any) -> None:
        self.saves = state["saves"]


class Clash(GAN):
    """An algorithm that declares a key of every spec."""

    type: Literal["clash"] = "clash"  # type: ignore[assignment] # another literal
    seed: int = 7


@pytest.fixture(autouse=True)
def components() -> Iterator[None]:
    mine, provider = registry.Registry(), Provider("tests", "1")
    for entry in registry.active().entries():
        mine.add(entry)
    for component in (TwinLoss, TwinRegularizer, OfGenerator, OnSave, Clash):
        name = component.model_fields["type"].default
        mine.add(Entry(component.family, name, component, provider))
    with registry.using(mine), torch.random.fork_rng():
        yield


def prepared(small: dict[str, Any], **changes: Any) -> Prepared:
    spec = ganzoo.load_spec({**small, **changes})
    return prepare(spec, spec.check(), CPU)


def step(run: Prepared, index: int = 0) -> dict[str, torch.Tensor]:
    return run.state.game.step(run.state.batches.next, index, 0.0)


def test_parts_of_one_name_keep_states_of_their_own(small: dict[str, Any]) -> None:
    run = prepared(small, auxiliary_losses=["twin"], regularizers=["twin"])
    step(run)
    means = [name for name in run.state.checkpoint().tensors if name.endswith("/mean")]
    assert len(means) == 2


def test_parameters_of_a_loss_of_the_generator_are_trained(small: dict[str, Any]) -> None:
    run = prepared(small, auxiliary_losses=["of_generator"])
    (name,) = (each for each in run.state.game.networks if "of_generator" in each)
    (factor,) = run.state.game.networks[name].parameters()
    step(run)
    assert factor.item() != 1


def test_a_stop_where_a_checkpoint_is_due_ends_the_run_there(small: dict[str, Any]) -> None:
    run = ganzoo.run({**small, "callbacks": [{"type": "on_save", "action": "stop"}]})
    assert run.metrics()[-1]["step"] == 10
    assert run.directory.checkpoint_steps()[0] == 10
    assert ganzoo.resume(run.path).metrics()[-1]["step"] == 10


class StopAt:
    """Sends the process a signal at a logged step."""

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == 14:
            os.kill(os.getpid(), signal.SIGTERM)


def test_checkpoints_that_a_signal_asks_for_are_no_events(small: dict[str, Any]) -> None:
    small["callbacks"] = [{"type": "on_save", "action": "scale"}]
    whole = ganzoo.run(small)
    with pytest.raises(Interrupted):
        ganzoo.run(small, listeners=[StopAt()])
    resumed = ganzoo.resume(whole.path.parent / "small-2")
    assert resumed.actions() == whole.actions()
    one, other = (
        Checkpoint.load(run.directory.checkpoints()[0]).tensors for run in (whole, resumed)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_factors_of_several_callbacks_are_multiplied(small: dict[str, Any]) -> None:
    run = prepared(small)
    optimizer = run.state.game.optimizers["generator"]
    begun = optimizer.optimizer.param_groups[0]["lr"]
    for owner, factor in (("0", 0.5), ("1", 0.9), ("0", 0.25)):
        optimizer.scale("lr", factor, owner)
    optimizer.zero_grad(0.0)
    assert optimizer.optimizer.param_groups[0]["lr"] == pytest.approx(begun * 0.25 * 0.9)


def test_patterns_of_learning_rates_that_match_nothing_are_refused(small: dict[str, Any]) -> None:
    optimizer = {"type": "adam", "lr_factors": {"generater.*": 0.1}}
    with pytest.raises(SpecError, match="'generater\\.\\*' matches no weight of the optimizer"):
        prepared(small, generator_optimizer=optimizer)


def test_keys_of_every_spec_are_no_algorithms(small: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="algorithm: 'clash' declares 'seed', a key of every spec"):
        ganzoo.load_spec({**small, "algorithm": "clash"})


def test_an_algorithm_given_whole_takes_no_keys_beside_it(small: dict[str, Any]) -> None:
    algorithm = ganzoo.load_spec(small).algorithm
    given = {"dataset": small["dataset"], "algorithm": algorithm}
    assert ganzoo.load_spec(given).algorithm == algorithm
    with pytest.raises(SpecError, match="algorithm: is given whole"):
        ganzoo.load_spec({**given, "discriminator_steps": 5})


@pytest.mark.filterwarnings("ignore:training.freeze")
def test_frozen_weights_are_not_clipped(small: dict[str, Any]) -> None:
    training = {**small["training"], "freeze": ["discriminator.*"]}
    run = prepared(small, loss={"type": "wgan", "clip": 0.001}, training=training)
    before = [each.clone() for each in run.state.game.networks["discriminator"].parameters()]
    step(run)
    after = run.state.game.networks["discriminator"].parameters()
    assert all(map(torch.equal, before, after))


def layers(*names: str) -> nn.Module:
    component = ganzoo.load_spec(
        {
            "dataset": "mnist-5k",
            "generator": "mlp",
            "discriminator": {"type": "mlp", "parametrizations": list(names)},
        }
    ).algorithm.discriminator  # type: ignore[attr-defined] # of the standard algorithm
    assert isinstance(component, Discriminator)
    return parametrized(nn.Sequential(nn.Conv2d(2, 4, 3), nn.Linear(4, 4)), component)


def test_all_parametrizations_are_applied_in_order() -> None:
    linear: Any = layers("spectral_norm", "weight_norm")[1]  # type: ignore[index] # a sequence
    kinds = [type(each).__name__ for each in linear.parametrizations.weight]
    assert kinds == ["_SpectralNorm", "_WeightNorm"]


def test_convolutions_are_not_made_orthogonal() -> None:
    convolution, linear = layers("orthogonal")  # type: ignore[misc] # a sequence
    assert not hasattr(convolution, "parametrizations")
    weight = linear.weight.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(4), rtol=0, atol=1e-5)
