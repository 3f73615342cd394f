"""The watchdog: what it finds in made-up numbers, and that a run is the same with and without it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from ganzoo_devkit.testing import registered

import ganzoo
from ganzoo import hookimpl
from ganzoo.api import load_spec
from ganzoo.builtin.illnesses import Look, findings
from ganzoo.builtin.watchdog import Watchdog
from ganzoo.components import Augmentation, CallbackSetting, Control, Discriminator, Generator
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.utils.text import markdown

HEALTHY: Look = {
    "loss": 0.6,
    "highest_loss": 0.9,
    "real": 1.0,
    "fake": -1.0,
    "logit": 1.2,
    "spread": 0.8,
    "nearest": 0.7,
    "grid": 0.8,
    "features": 0.6,
    "gradient/generator": 3.0,
    "gradient/discriminator": 5.0,
    "weights/generator": 20.0,
    "weights/discriminator": 12.0,
    "swing": 2.0,
    "rhythm": 0.2,
    "period": 16.0,
    "memory": 0.1,
    "memory_t": 1.0,
    "leak": 3.0,
    "leak_share": 1.0,
}

ILL: dict[str, Look] = {
    "divergence": {"logit": 5e4},
    "exploding_gradients": {"gradient/generator": 1e3},
    "dead_generator": {"spread": 1e-5, "nearest": 1e-5, "gradient/generator": 1e-6},
    "collapse": {"spread": 0.03},
    "discriminator_won": {"loss": 5e-4, "highest_loss": 1e-3, "gradient/discriminator": 1e-3},
    "vanishing_gradients": {"gradient/generator": 1e-3},
    "oscillation": {"rhythm": 0.95},
    "memorization": {"memory": 0.6, "memory_t": 8.0},
}


def looks(*changes: Look) -> list[Look]:
    """Return ten healthy looks, and one for each of some changes."""
    numbered = [HEALTHY] * 10 + [HEALTHY | change for change in changes]
    return [{"step": 50.0 * index, **look} for index, look in enumerate(numbered, 1)]


def test_nothing_is_found_in_a_healthy_run() -> None:
    for count in range(11):
        assert findings(looks()[:count]) == []


@pytest.mark.parametrize("illness", ILL)
def test_an_illness_of_two_looks_is_named_alone_with_its_numbers(illness: str) -> None:
    (found,) = findings(looks(ILL[illness], ILL[illness]))
    assert found.name == illness
    assert any(digit in found.evidence for digit in "123456789")
    assert len(str(found).splitlines()) == 1


@pytest.mark.parametrize("illness", [name for name in ILL if name != "divergence"])
def test_one_odd_look_is_not_an_illness(illness: str) -> None:
    assert findings(looks(ILL[illness])) == []


@pytest.mark.parametrize("logits", [[50.0, 150.0, 450.0], [1e300]])
def test_growth_is_named_before_numbers_are_not_finite(logits: list[float]) -> None:
    found = findings(looks(*({"logit": logit} for logit in logits)))
    assert [each.name for each in found] == ["divergence"]


@pytest.mark.parametrize(("losses", "won"), [([0.2, 0.05, 0.01], True), ([0.01] * 4, False)])
def test_a_discriminator_that_is_ahead_has_won_only_if_it_gets_further(
    losses: list[float], won: bool
) -> None:
    found = findings(looks(*({"loss": loss, "highest_loss": 2 * loss} for loss in losses)))
    assert [each.name for each in found] == ["discriminator_won"] * won


@pytest.mark.parametrize("name", ["spread", "nearest", "grid", "features"])
def test_collapse_shows_in_samples_and_in_what_the_discriminator_makes_of_them(name: str) -> None:
    assert [each.name for each in findings(looks(*[{name: 0.02}] * 2))] == ["collapse"]


@pytest.mark.parametrize("logit", [20.0, 5e4])
def test_a_first_look_at_large_logits_is_enough(logit: float) -> None:
    found = findings([{"step": 50.0, **HEALTHY, "logit": logit}])
    assert [each.name for each in found] == ["divergence"] * (logit > 1e3)


def test_samples_that_were_never_diverse_count_as_collapsed_after_a_while() -> None:
    collapsed = [look | {"spread": 0.02, "nearest": 0.02} for look in looks(*[HEALTHY] * 10)]
    assert findings(collapsed[:10]) == []
    assert [each.name for each in findings(collapsed)] == ["collapse"]


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_an_augmentation_leaks_if_samples_are_near_augmented_ones_not_if_they_are_far_from_all(
    share: float,
) -> None:
    found = findings(looks(*[{"leak": 0.1, "leak_share": share}] * 3))
    assert [each.name for each in found] == ["leaking_augmentation"] * (share < 1)


class Inverter(torch.nn.Module):
    """Takes the negative of a half of all images, which a discriminator cannot see through."""

    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        self.calls += 1
        return torch.where(torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5, -x, x)


class Invert(Augmentation):
    type: Literal["invert"] = "invert"

    def build(self) -> Inverter:
        return Inverter()


class Painter(torch.nn.Module):
    """Makes bright images with some noise; where an augmentation leaks, half of them are dark."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], *, leaks: bool) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(0.5))
        self.register_buffer("noise", torch.randn(latent_dim, math.prod(shape)) / 20)
        self.shape, self.leaks = shape, leaks

    def forward(self, z: torch.Tensor, _: None) -> torch.Tensor:
        x = (self.level + z @ self.noise).view(-1, *self.shape)
        return torch.where(z[:, 0].view(-1, 1, 1, 1) < 0, -x, x) if self.leaks else x


class Paint(Generator):
    type: Literal["paint"] = "paint"
    leaks: bool

    def build(self, latent_dim: int, sample_shape: tuple[int, ...], condition: object) -> Painter:
        return Painter(latent_dim, sample_shape, leaks=self.leaks)


@pytest.mark.parametrize("leaks", [True, False])
def test_samples_that_look_augmented_are_told_from_those_that_do_not(
    tmp_path: Path, leaks: bool
) -> None:
    images = np.random.default_rng(0).integers(180, 202, (64, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", train_images=images)
    spec = {
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "paint", "leaks": leaks},
        "discriminator": {"type": "mlp", "hidden": [8]},
        "augmentation": "invert",
        "training": {"duration": "12 steps", "batch_size": 32},
        "output": {"samples": 4},
        "watchdog": {"type": "watchdog", "every": 1},
        "device": "cpu",
    }
    with registered(Invert, Paint):
        run = ganzoo.run(spec, output=tmp_path / "run")
    named = [each["finding"] for each in run.actions() if each["action"] == "warn"]
    assert ("leaking_augmentation" in named) == leaks


class Forgetful(Painter):
    """Makes one image only, once it has been trained for five steps, but in evaluation mode."""

    trained: torch.Tensor

    def __init__(self, latent_dim: int, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim, shape, leaks=True)
        self.register_buffer("trained", torch.zeros(()))

    def forward(self, z: torch.Tensor, condition: None) -> torch.Tensor:
        x = super().forward(z, condition)
        self.trained += self.training
        return x if self.training or self.trained < 5 else x[:1].expand_as(x)


class Forget(Generator):
    type: Literal["forget"] = "forget"

    def build(self, latent_dim: int, sample_shape: tuple[int, ...], condition: object) -> Forgetful:
        return Forgetful(latent_dim, sample_shape)


def test_a_collapse_of_what_is_sampled_is_seen_though_batches_differ(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", train_images=images)
    spec = {
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": "forget",
        "discriminator": {"type": "mlp", "hidden": [8]},
        "training": {"duration": "8 steps", "batch_size": 16},
        "output": {"samples": 4},
        "watchdog": {"type": "watchdog", "every": 1},
        "device": "cpu",
    }
    with registered(Forget):
        run = ganzoo.run(spec, output=tmp_path / "run")
    (warned,) = (each for each in run.actions() if each["action"] == "warn")
    assert warned["finding"] == "collapse"
    assert "those of the fixed grid differ" in warned["reason"]


class Brightness(torch.nn.Module):
    """Has no layer that reads a vector, so that its logits are all its features."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor, self.bias = factor, torch.nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor, _: None) -> torch.Tensor:
        return x.flatten(1).mean(1) * self.factor + self.bias


class Bright(Discriminator):
    type: Literal["bright"] = "bright"
    factor: float

    def build(self, sample_shape: tuple[int, ...], condition: object) -> Brightness:
        return Brightness(self.factor)


@pytest.mark.parametrize("factor", [1.0, 0.0])
def test_a_discriminator_without_layers_is_watched_and_a_constant_one_memorizes_nothing(
    spec: dict[str, Any], tmp_path: Path, factor: float
) -> None:
    spec |= {"discriminator": {"type": "bright", "factor": factor}, "augmentation": None}
    with registered(Bright):
        run = ganzoo.run(spec, output=tmp_path / "run")
    assert run.directory.checkpoint_steps()[0] == 26
    assert "memorization" not in [each["finding"] for each in run.actions()]


class Tracking(Inverter):
    """Cannot be copied once it has been called with gradients."""

    def forward(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        self.last = super().forward(x, rng)
        return self.last


class Track(Augmentation):
    type: Literal["track"] = "track"

    def build(self) -> Tracking:
        return Tracking()


class Normed(torch.nn.Module):
    """Cannot be copied once it has been called with gradients, as with torch's first spectral norm."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer, self.shape = torch.nn.Linear(latent_dim, math.prod(shape)), shape
        self.last: torch.Tensor | None = None

    def forward(self, z: torch.Tensor, _: None) -> torch.Tensor:
        self.last = self.layer(z)
        return self.last.view(-1, *self.shape)


class Norm(Generator):
    type: Literal["norm"] = "norm"

    def build(self, latent_dim: int, sample_shape: tuple[int, ...], condition: object) -> Normed:
        return Normed(latent_dim, sample_shape)


@pytest.mark.parametrize("change", [{"generator": "norm"}, {"augmentation": "track"}])
def test_what_cannot_be_copied_in_training_is_trained(
    spec: dict[str, Any], tmp_path: Path, change: dict[str, str]
) -> None:
    with registered(Norm, Track):
        run = ganzoo.run(spec | change, output=tmp_path / "run")
    assert run.directory.checkpoint_steps()[0] == 26


class Actions(Control):
    """Keeps what the watchdog does."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.stops: list[str] = []

    def warn(self, finding: str, reason: str) -> None:
        self.warnings.append(finding)

    def stop(self, reason: str) -> None:
        self.stops.append(reason)

    def save(self, reason: str) -> None:
        raise AssertionError

    def scale(self, optimizer: str, field: str, factor: float, reason: str) -> None:
        raise AssertionError

    def log(self, values: Mapping[str, float]) -> None:
        raise AssertionError


def watch(watchdog: Watchdog, logits: list[float]) -> Actions:
    """Show a watchdog logits step by step; its state goes to another one after each."""
    actions = Actions()
    part = watchdog.build(CallbackSetting({}, ()))
    for step, logit in enumerate(logits, 1):
        numbers = {"score/real": torch.tensor(1.0), "score/fake": torch.tensor(logit)}
        part.on_step(step, numbers, actions)
        fresh = watchdog.build(CallbackSetting({}, ()))
        fresh.load_state_dict(part.state_dict())
        part = fresh
    return actions


def test_an_illness_is_named_once_and_again_only_if_it_comes_back() -> None:
    ill = [1.0] * 8 + [1e6] * 8
    assert watch(Watchdog(every=2), ill).warnings == ["divergence"]
    # The largest value of the looks that are remembered is what later ones are compared with.
    back = [*ill, *[1.0] * 130, *[1e6] * 8]
    actions = watch(Watchdog(every=2), back)
    assert actions.warnings == ["divergence"] * 2
    assert actions.stops == []


def test_a_watchdog_may_stop_the_run() -> None:
    (reason,) = watch(Watchdog(every=2, on="stop"), [1.0] * 8 + [1e6] * 8).stops
    assert "about to diverge" in reason


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A run with everything that a careless look would change: buffers, dropout, augmented states."""
    images = np.random.default_rng(0).integers(100, 256, (64, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", train_images=images[:32], test_images=images[32:])
    spec: dict[str, Any] = {
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [8], "normalization": "batch"},
        "discriminator": {
            "type": "mlp",
            "hidden": [8],
            "normalization": "batch",
            "dropout": 0.2,
            "parametrizations": ["spectral_norm"],
        },
        "augmentation": "invert",
        "training": {"duration": "26 steps", "batch_size": 32},
        "output": {"log_every": "4 steps", "checkpoint_every": "7 steps", "samples": 4},
        "watchdog": {"type": "watchdog", "every": 2},
        "device": "cpu",
    }
    with registered(Invert):
        yield spec


class StopAt:
    """Ends training at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


def final(path: Path) -> Checkpoint:
    return Checkpoint.load(path / "checkpoints" / "step-00000026.safetensors")


def logged(path: Path) -> list[dict[str, Any]]:
    times = ("seconds", "images_per_second")
    lines = ganzoo.open_run(path).directory.metrics()
    return [{key: value for key, value in line.items() if key not in times} for line in lines]


def test_a_run_is_the_same_to_the_last_bit_with_a_watchdog_and_without(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    ganzoo.run(spec, output=tmp_path / "watched")
    ganzoo.run({**spec, "watchdog": None}, output=tmp_path / "alone")
    watched, alone = final(tmp_path / "watched"), final(tmp_path / "alone")
    assert watched.tensors.keys() == alone.tensors.keys()
    for name, tensor in alone.tensors.items():
        assert torch.equal(watched.tensors[name], tensor), name
    assert logged(tmp_path / "watched") == logged(tmp_path / "alone")
    (state,) = watched.values["callbacks"]["states"]
    before, last = state["state"]["looks"][""][-2:]
    look = before | last
    assert "memory" in look, "held-out samples were looked at, too"
    assert {"grid", "features"} <= look.keys(), "and samples of the grid, and features"
    assert "leak" in look, "and augmented ones"


def test_a_resumed_watchdog_knows_what_it_would_have_known(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    ganzoo.run(spec, output=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(spec, output=tmp_path / "cut", listeners=[StopAt(24)])
    ganzoo.resume(tmp_path / "cut")
    whole, cut = final(tmp_path / "whole"), final(tmp_path / "cut")
    assert whole.values["callbacks"] == cut.values["callbacks"]
    for name, tensor in whole.tensors.items():
        assert torch.equal(cut.tensors[name], tensor), name


def test_a_finding_is_in_the_record_and_ends_the_run_where_asked_to(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    heard: list[Mapping[str, Any]] = []

    class Listener:
        @hookimpl
        def ganzoo_callback_acted(self, action: Mapping[str, Any]) -> None:
            heard.append(action)

    spec |= {
        "watchdog": {"type": "watchdog", "every": 2, "on": "stop"},
        "loss": {"type": "wgan", "clip": None},
        "discriminator": {"type": "mlp", "hidden": [8]},
        "discriminator_optimizer": {
            "type": "adam",
            "lr": {"type": "sequence", "parts": [1e-4, 1e3], "at": [0.5]},
        },
    }
    run = ganzoo.run(spec, output=tmp_path / "run", listeners=[Listener()])
    warned, stopped = run.actions()
    assert (warned["callback"], warned["action"]) == ("watchdog", "warn")
    assert warned["finding"] == "divergence"
    assert stopped["action"] == "stop"
    assert stopped["step"] == warned["step"] == run.directory.checkpoint_steps()[0] < 26
    assert heard == [warned, stopped]
    card = run.directory.readme_path.read_text("utf-8")
    assert f"## Findings\n\n- Step {warned['step']}: {markdown(warned['reason'])}\n" in card
    assert "## Verdict\n\nHow good the samples are was not measured. The watchdog found" in card


def test_every_spec_has_a_watchdog_that_can_be_set_and_turned_off() -> None:
    assert load_spec("ring").watchdog == Watchdog()
    assert load_spec("ring", overrides=["watchdog.on=stop"]).watchdog == Watchdog(on="stop")
    assert load_spec("ring", overrides=["watchdog=null"]).watchdog is None
