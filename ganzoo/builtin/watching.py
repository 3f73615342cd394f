"""What the watchdog does: it looks at the training now and then.

It reads what a step has left behind (numbers, gradients, the last batch), computes nothing that a step
could notice, and draws no random number of the run's. What its numbers mean is decided in ``illnesses``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from ganzoo.builtin.illnesses import BEYOND, HISTORY, Finding, Look, findings
from ganzoo.components import CallbackState, Control
from ganzoo.data.split import Split, as_tensor
from ganzoo.sampling import generate
from ganzoo.training import AdversarialBatch, Adversary, Numbers, TrainingView
from ganzoo.training.grids import fixed_inputs
from ganzoo.utils.seeds import derive_seed

SAMPLES = 64
"""Samples of each kind that a look compares."""

AUGMENTED = 0.5
"""Distance between real samples and augmented ones below which they cannot be told apart."""

SERIES = 128
"""Steps in which a rhythm is looked for."""

PATIENCE = 10
"""Looks without an illness after which it counts as over, and is named again if it comes back."""

FIRST_EPOCHS = 10
"""Passes over the data before which nothing is memorized; held-out samples are opened after them."""


class Watch(CallbackState):
    """Keeps the numbers of the last steps, and the last looks."""

    def __init__(self, every: int, *, stops: bool) -> None:
        self._every, self._stops = every, stops
        self._training: TrainingView | None = None
        self._adversaries: dict[str, Adversary | None] = {"": None}
        self._chances: dict[str, float | None] = {}
        self._real: torch.Tensor | None = None
        self._steps: dict[str, list[Any]] = {}  # tensors until they are read
        self._looks: dict[str, list[Look]] = {}
        self._seen: dict[str, int] = {}  # looks since a finding was last true

    def on_start(self, training: TrainingView) -> None:
        """Keep what may be looked at."""
        self._training, self._held_out = training, cache(training.held_out)
        if training.game.adversaries:
            self._adversaries = {each.suffix: each for each in training.game.adversaries}
            self._chances = {each.suffix: each.chance() for each in training.game.adversaries}

    def on_step(self, step: int, numbers: Numbers, control: Control) -> None:
        """Keep the numbers of a step, and look where it is time."""
        for name in (name for suffix in self._adversaries for name in _names(suffix)):
            if name in numbers:
                self._steps.setdefault(name, []).append(numbers[name])
        if step % self._every == 0:
            self._look(step, control)

    def _look(self, step: int, control: Control) -> None:
        """Look at each discriminator and what is trained with it, and say what is new."""
        self._read_steps()
        found: dict[str, Finding] = {}
        for suffix, adversary in self._adversaries.items():
            look = {"step": float(step), **self._numbers(suffix)}
            if self._training is not None and suffix == next(iter(self._adversaries)):
                look |= _gradients(self._training)
                if not self._judges(step):
                    look |= self._grid(self._training)
            if self._training is not None and adversary is not None and adversary.last is not None:
                look |= self._batch(step, self._training, adversary, adversary.last[0])
                deviation = sum(float(each.logits.std(correction=0)) for each in adversary.last[1:])
                look |= _rhythm(self._steps.get(_names(suffix)[2], []), deviation / 2)
            look = {name: x if math.isfinite(x) else BEYOND for name, x in look.items()}
            looks = self._looks[suffix] = [*self._looks.get(suffix, []), look][-HISTORY:]
            for each in findings(looks):
                found.setdefault(f"{each.name}{suffix}", each)
        new = [name for name in found if name not in self._seen]
        for name in new:
            control.warn(name, str(found[name]))
        if new and self._stops:
            control.stop(str(found[new[0]]))
        absent = {name: count + 1 for name, count in self._seen.items() if name not in found}
        kept = {name: count for name, count in absent.items() if count < PATIENCE}
        self._seen = kept | dict.fromkeys(found, 0)

    def _read_steps(self) -> None:
        """Read the numbers of the steps since the last look, all at once, and forget old ones."""
        for name, values in self._steps.items():
            tensors = [each for each in values if isinstance(each, torch.Tensor)]
            known = values[: len(values) - len(tensors)]
            new = torch.stack(tensors).double().tolist() if tensors else []
            self._steps[name] = [*known, *new][-max(SERIES, self._every) :]

    def _numbers(self, suffix: str) -> Look:
        """Return what the numbers of the steps since the last look say of a discriminator."""
        losses, real, fake = (self._steps.get(name, [])[-self._every :] for name in _names(suffix))
        look: Look = {}
        chance = self._chances.get(suffix)
        if losses and chance is not None:
            look["loss"] = float(np.mean(losses)) / chance
            look["highest_loss"] = max(losses) / chance
        if real and fake:
            look["real"], look["fake"] = float(np.mean(real)), float(np.mean(fake))
            look["logit"] = float(np.abs([*real, *fake]).max())  # NaN if one of them is
        return look

    def _judges(self, step: int) -> bool:
        """Say whether the discriminator is asked in this look; in the others the grid is drawn."""
        return step // self._every % 2 == 1

    def _grid(self, training: TrainingView) -> Look:
        """Return how far samples of the fixed grid are apart, drawn with the weights in training."""
        split = training.split
        if self._real is None:
            rng = np.random.default_rng(derive_seed(training.seed, "watchdog"))
            self._real = _some(split, torch.empty(0), rng)[0]
        try:
            sampler = training.game.sampler.ready()
            inputs = fixed_inputs(sampler, split, SAMPLES, training.seed)
            samples = torch.cat(list(generate(sampler, inputs)))
        except (RuntimeError, ValueError):  # such as one that cannot be copied within a step
            return {}
        return _diversity(samples, self._real, "grid")

    def _batch(
        self, step: int, training: TrainingView, adversary: Adversary, batch: AdversarialBatch
    ) -> Look:
        """Return what the last batch shows, and what its discriminator makes of samples."""
        look = _diversity(batch.fake, batch.real, "spread", "nearest")
        condition = None if batch.condition is None else batch.condition[:SAMPLES]
        try:
            look |= _leak(adversary, batch, derive_seed(training.seed, "watchdog", step))
            if self._judges(step):
                fake, fake_features = adversary.quiet(batch.fake[:SAMPLES], condition)
                _, real_features = adversary.quiet(batch.real[:SAMPLES], condition)
                look |= _diversity(fake_features, real_features, "features")
                if step >= FIRST_EPOCHS * training.epoch and not adversary.suffix:
                    look |= self._memory(step, training, adversary, batch, fake)
        except (RuntimeError, ValueError):  # a network that cannot do that is trained all the same
            pass
        return look

    def _memory(
        self,
        step: int,
        training: TrainingView,
        adversary: Adversary,
        batch: AdversarialBatch,
        fake: torch.Tensor,
    ) -> Look:
        """Return how much more real training samples look than held-out ones."""
        held_out = self._held_out()
        if held_out is None or batch.source is not None:
            return {}
        rng = np.random.default_rng(derive_seed(training.seed, "watchdog", step))
        known, new = (
            _per_sample(adversary.quiet(*_some(split, batch.real, rng))[0])
            for split in (training.split, held_out)
        )
        gap = known.mean() - new.mean()
        error = (known.var() / len(known) + new.var() / len(new)).sqrt()
        scale = (known.mean() - _per_sample(fake).mean()).abs()
        if not (scale > 0 and error > 0):  # one that tells nothing apart memorizes nothing
            return {}
        return {"memory": float(gap / scale), "memory_t": float(gap / error)}

    def state_dict(self) -> dict[str, Any]:
        """Return all that is remembered, without tensors; nothing before the first step."""
        self._read_steps()
        if not self._steps and not self._looks:
            return {}
        return {
            "steps": {name: list(values) for name, values in self._steps.items()},
            "looks": {suffix: list(looks) for suffix, looks in self._looks.items()},
            "seen": dict(self._seen),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what another watch did; one of an earlier version may have kept less."""
        self._steps = {name: list(values) for name, values in state.get("steps", {}).items()}
        self._looks = {suffix: list(looks) for suffix, looks in state.get("looks", {}).items()}
        self._seen = dict(state.get("seen", {}))


def _names(suffix: str) -> list[str]:
    """Return the numbers of a discriminator that are kept of each step."""
    return [f"{name}{suffix}" for name in ("loss/discriminator", "score/real", "score/fake")]


def _gradients(training: TrainingView) -> Look:
    """Return the norms of gradients and weights of each optimizer."""
    look: Look = {}
    for name, optimizer in training.game.optimizers.items():
        trained = [each for each in optimizer.parameters if each.requires_grad]
        gradients = [each.grad for each in trained if each.grad is not None]
        if trained and not gradients:
            look[f"gradient/{name}"] = 0.0
        elif trained and not optimizer.scaler.is_enabled():
            look[f"gradient/{name}"] = _norm(gradients)
        if trained:
            look[f"weights/{name}"] = _norm([each.detach() for each in trained])
    return look


def _norm(tensors: Sequence[torch.Tensor]) -> float:
    """Return the norm of all numbers in some tensors."""
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors)))))


def _per_sample(logits: torch.Tensor) -> torch.Tensor:
    return logits.flatten(1).mean(1) if logits.dim() > 1 else logits


def _diversity(generated: torch.Tensor, real: torch.Tensor, *names: str) -> Look:
    """Return ``_distances`` of generated samples as fractions of those of real ones, by names."""
    pairs = zip(names, _distances(generated), _distances(real), strict=False)
    return {name: distance / expected for name, distance, expected in pairs if expected > 0}


def _distances(samples: torch.Tensor) -> tuple[float, float]:
    """Return the root mean square distance of some samples, and the mean to the nearest other one."""
    x = samples.detach()[:SAMPLES].flatten(1).float()
    x = x - x.mean(0)
    products = x @ x.T
    squares = products.diagonal()
    spread = (2 * squares.sum() / max(len(x) - 1, 1)).sqrt()
    between = squares[:, None] + squares[None] - 2 * products
    between = between + torch.diag(torch.full_like(squares, math.inf))
    return float(spread), float(between.amin(1).clamp(min=0).sqrt().mean())


def _leak(adversary: Adversary, batch: AdversarialBatch, seed: int) -> Look:
    """Return how far generated, real and augmented real images of a batch are apart."""
    if batch.real.dim() != 4 or len(batch.real) < SAMPLES // 2:
        return {}
    fake, real = batch.fake[:SAMPLES], batch.real[:SAMPLES]
    augmented = adversary.quiet_augmented(real, seed)
    if augmented is None:
        return {}
    fake, real, augmented = (_areas(each) for each in (fake, real, augmented))
    scale = torch.cat([real, augmented]).std(0) + 1e-3
    fake, real, augmented = (each / scale for each in (fake, real, augmented))
    apart, from_real = _energy_distance(augmented, real), _energy_distance(fake, real)
    if apart <= AUGMENTED or from_real <= 0:
        return {}
    from_augmented = _energy_distance(fake, augmented)
    return {"leak": from_augmented / from_real, "leak_share": from_augmented / apart}


def _areas(images: torch.Tensor) -> torch.Tensor:
    """Return the mean values of areas, four by four, of each image."""
    return torch.nn.functional.adaptive_avg_pool2d(images.detach().float(), 4).flatten(1)


def _energy_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """Return how far two distributions are apart, 0 if they are the same (Székely and Rizzo, 2013)."""
    within = [torch.cdist(each, each).sum() / (len(each) * (len(each) - 1)) for each in (x, y)]
    return float((2 * torch.cdist(x, y).mean() - within[0] - within[1]).clamp(min=0).sqrt())


def _some(
    split: Split, like: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return samples of a split with their conditions, on the device of others."""
    rows = np.sort(rng.choice(len(split), min(SAMPLES, len(split)), replace=False))
    samples = split.space.decode(as_tensor(split.samples[rows]).to(like.device), like.dtype)
    if split.condition is None:
        return samples, None
    condition = torch.from_numpy(split.condition[rows]).to(like.device)
    return samples, condition.to(like.dtype) if condition.is_floating_point() else condition


def _rhythm(series: Sequence[float], deviation: float) -> Look:
    """Return how far a series goes to and fro, how much of that is in one period, and the period.

    The trend is removed first. A period is at least 4 steps and at most a fifth of the series: what is
    slower may be anything that happens once.
    """
    values = np.asarray(series[-SERIES:])
    if deviation <= 0 or len(values) < SERIES or not np.isfinite(values).all():
        return {}
    steps = np.arange(len(values))
    values = values - np.polyval(np.polyfit(steps, values, 1), steps)
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)))) ** 2
    power[0] = 0
    bands = np.convolve(power, np.ones(3), "same")
    strongest = 5 + int(np.argmax(bands[5 : len(values) // 4]))
    share = bands[strongest] / power.sum() if power.sum() > 0 else 0.0
    swing = float(np.ptp(values)) / deviation
    return {"swing": swing, "rhythm": float(share), "period": len(values) / strongest}
