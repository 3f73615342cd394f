"""What the watchdog does: it looks at the training now and then.

It reads what a step has left behind (numbers, gradients, the last batch), computes nothing that a step
could notice, and draws no random number of the run's. What its numbers mean is decided in ``illnesses``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ganzoo.builtin.illnesses import BEYOND, HISTORY, Finding, Look, findings
from ganzoo.components import CallbackState, Control
from ganzoo.data.split import Split, as_tensor
from ganzoo.training import Adversary, Numbers, TrainingView
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
    """Keeps the numbers of the steps since the last look, and the last looks."""

    def __init__(self, every: int, *, stops: bool) -> None:
        self._every, self._stops = every, stops
        self._training: TrainingView | None = None
        self._suffixes = [""]
        self._names = _names("")
        self._chances: dict[int, float | None] = {}
        self._held_out: Split | None = None
        self._opened = False
        self._pending: dict[str, list[Any]] = {}  # tensors, or floats of a loaded state
        self._series: dict[str, list[float]] = {}
        self._looks: dict[str, list[Look]] = {}
        self._seen: dict[str, int] = {}  # looks since a finding was last true

    def on_start(self, training: TrainingView) -> None:
        """Keep what may be looked at."""
        self._training = training
        if training.game.adversaries:
            self._suffixes = [each.suffix for each in training.game.adversaries]
            self._names = [name for suffix in self._suffixes for name in _names(suffix)]

    def on_step(self, step: int, numbers: Numbers, control: Control) -> None:
        """Keep the numbers of a step, and look where it is time."""
        for name in self._names:
            if name in numbers:
                self._pending.setdefault(name, []).append(numbers[name])
        if step % self._every == 0:
            self._look(step, control)

    def _look(self, step: int, control: Control) -> None:
        """Read what has gathered, and say what is new."""
        self._read_pending()
        found: dict[str, Finding] = {}
        for index, suffix in enumerate(self._suffixes):
            looks = self._looks.setdefault(suffix, [])
            looks.append(self._measure(step, index, suffix))
            del looks[:-HISTORY]
            found |= {f"{each.name}{suffix}": each for each in reversed(findings(looks))}
        new = [name for name in reversed(found) if name not in self._seen]
        for name in new:
            control.warn(name, str(found[name]))
        if new and self._stops:
            control.stop(str(found[new[0]]))
        absent = {name: count + 1 for name, count in self._seen.items() if name not in found}
        kept = {name: count for name, count in absent.items() if count < PATIENCE}
        self._seen = kept | dict.fromkeys(found, 0)

    def _read_pending(self) -> None:
        """Read the numbers of the steps since the last look, all at once."""
        for name, values in self._pending.items():
            if values and isinstance(values[-1], torch.Tensor):
                tensors = [each for each in values if isinstance(each, torch.Tensor)]
                known = values[: len(values) - len(tensors)]
                self._pending[name] = known + torch.stack(tensors).double().tolist()

    def _measure(self, step: int, index: int, suffix: str) -> Look:
        """Return the numbers of one discriminator."""
        look: Look = {"step": step}
        losses, real, fake = (self._pending.pop(name, []) for name in _names(suffix))
        if index not in self._chances:
            adversaries = () if self._training is None else self._training.game.adversaries
            self._chances[index] = adversaries[index].chance() if adversaries else None
        chance = self._chances[index]
        if losses and chance is not None:
            look["loss"] = float(np.mean(losses)) / chance
            look["highest_loss"] = max(losses) / chance
        if real and fake:
            look["real"], look["fake"] = float(np.mean(real)), float(np.mean(fake))
            look["logit"] = max(abs(real[-1]), abs(fake[-1]))
            series = self._series.setdefault(suffix, [])
            series += fake
            del series[:-SERIES]
        if self._training is not None:
            look |= self._looked_at(step, index, suffix)
        return {name: value if math.isfinite(value) else BEYOND for name, value in look.items()}

    def _looked_at(self, step: int, index: int, suffix: str) -> Look:
        """Return what the last step shows of samples, gradients, weights and logits."""
        training = self._training
        assert training is not None
        look: Look = {}
        taken: dict[str, torch.Tensor] = {}
        if index == 0:
            for name, optimizer in training.game.optimizers.items():
                trained = [each for each in optimizer.parameters if each.requires_grad]
                gradients = [each.grad for each in trained if each.grad is not None]
                if trained and not gradients:
                    look[f"gradient/{name}"] = 0.0
                elif trained and not optimizer.scaler.is_enabled():
                    taken[f"gradient/{name}"] = _norm(gradients)
                if trained:
                    taken[f"weights/{name}"] = _norm([each.detach() for each in trained])
        last = training.game.adversaries[index].last if training.game.adversaries else None
        if last is not None:
            batch, real, fake = last
            taken["fake_spread"], taken["fake_nearest"] = _distances(batch.fake)
            taken["real_spread"], taken["real_nearest"] = _distances(batch.real)
            taken["deviation"] = (_std(real.logits) + _std(fake.logits)) / 2
            taken |= self._memory(step, training.game.adversaries[index])
            taken |= self._leak(step, training.game.adversaries[index])
        if taken:
            values = torch.stack([each.float() for each in taken.values()]).tolist()
            look |= dict(zip(taken, values, strict=True))
        for name in ("spread", "nearest"):
            generated, expected = look.pop(f"fake_{name}", 0.0), look.pop(f"real_{name}", 0.0)
            if expected > 0:
                look[name] = generated / expected
        if "augmented_from_real" in look:
            generated, from_real = look.pop("fake_from_augmented"), look.pop("fake_from_real")
            augmented = look.pop("augmented_from_real")
            if augmented > AUGMENTED and from_real > 0:
                look["leak"], look["leak_share"] = generated / from_real, generated / augmented
        deviation = look.pop("deviation", 0.0)
        series = self._series.get(suffix, [])
        if deviation > 0 and len(series) == SERIES and np.isfinite(series).all():
            look["swing"], look["rhythm"], look["period"] = _rhythm(series)
            look["swing"] /= deviation
        return look

    def _memory(self, step: int, adversary: Adversary) -> dict[str, torch.Tensor]:
        """Return how much more real training samples look than held-out ones."""
        training = self._training
        assert training is not None
        if step < FIRST_EPOCHS * training.epoch or adversary.suffix:
            return {}
        if not self._opened:
            self._held_out, self._opened = training.held_out(), True
        held_out, last = self._held_out, adversary.last
        if held_out is None or last is None or last[0].source is not None:
            return {}
        batch = last[0]
        rng = np.random.default_rng(derive_seed(training.seed, "watchdog", step))
        try:
            known, new = (
                _per_sample(adversary.quiet_logits(*_some(split, batch.real, rng)))
                for split in (training.split, held_out)
            )
            fake = _per_sample(adversary.quiet_logits(batch.fake, batch.condition))
        except (RuntimeError, ValueError):  # a network that cannot do that is trained all the same
            self._held_out = None
            return {}
        gap = known.mean() - new.mean()
        error = (known.var() / len(known) + new.var() / len(new)).sqrt()
        scale = (known.mean() - fake.mean()).abs()
        return {"memory": gap / scale, "memory_t": gap / error}

    def _leak(self, step: int, adversary: Adversary) -> dict[str, torch.Tensor]:
        """Return how far generated, real and augmented real images of the last batch are apart."""
        training, last = self._training, adversary.last
        assert training is not None
        if last is None or last[0].real.dim() != 4 or len(last[0].real) < SAMPLES // 2:
            return {}
        fake, real = last[0].fake[:SAMPLES], last[0].real[:SAMPLES]
        augmented = adversary.quiet_augmented(real, derive_seed(training.seed, "watchdog", step))
        if augmented is None:
            return {}
        fake, real, augmented = (_areas(each) for each in (fake, real, augmented))
        scale = torch.cat([real, augmented]).std(0) + 1e-3
        fake, real, augmented = (each / scale for each in (fake, real, augmented))
        return {
            "fake_from_real": _energy_distance(fake, real),
            "fake_from_augmented": _energy_distance(fake, augmented),
            "augmented_from_real": _energy_distance(augmented, real),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all that is remembered, without tensors; nothing before the first step."""
        self._read_pending()
        if not self._pending and not self._looks:
            return {}
        return {
            "pending": {name: list(values) for name, values in self._pending.items()},
            "series": {name: list(values) for name, values in self._series.items()},
            "looks": {suffix: list(looks) for suffix, looks in self._looks.items()},
            "seen": dict(self._seen),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what another watch did."""
        if state:
            self._pending = {name: list(values) for name, values in state["pending"].items()}
            self._series = {name: list(values) for name, values in state["series"].items()}
            self._looks = {suffix: list(looks) for suffix, looks in state["looks"].items()}
            self._seen = dict(state["seen"])


def _names(suffix: str) -> list[str]:
    """Return the numbers of a discriminator that are kept of each step."""
    return [f"{name}{suffix}" for name in ("loss/discriminator", "score/real", "score/fake")]


def _norm(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the norm of all numbers in some tensors."""
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors))))
    return norm


def _std(logits: torch.Tensor) -> torch.Tensor:
    return logits.flatten().std(correction=0)


def _per_sample(logits: torch.Tensor) -> torch.Tensor:
    return logits.flatten(1).mean(1) if logits.dim() > 1 else logits


def _distances(samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the root mean square distance of some samples, and the mean to the nearest other one."""
    x = samples.detach()[:SAMPLES].flatten(1).float()
    x = x - x.mean(0)
    products = x @ x.T
    squares = products.diagonal()
    spread = (2 * squares.sum() / max(len(x) - 1, 1)).sqrt()
    between = squares[:, None] + squares[None] - 2 * products
    between = between + torch.diag(torch.full_like(squares, math.inf))
    return spread, between.amin(1).clamp(min=0).sqrt().mean()


def _areas(images: torch.Tensor) -> torch.Tensor:
    """Return the mean values of areas, four by four, of each image."""
    return torch.nn.functional.adaptive_avg_pool2d(images.detach().float(), 4).flatten(1)


def _energy_distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return how far two distributions are apart, 0 if they are the same (Székely and Rizzo, 2013)."""
    within = [torch.cdist(each, each).sum() / (len(each) * (len(each) - 1)) for each in (x, y)]
    return (2 * torch.cdist(x, y).mean() - within[0] - within[1]).clamp(min=0).sqrt()


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


def _rhythm(series: Sequence[float]) -> tuple[float, float, float]:
    """Return how far a series goes to and fro, how much of that is in one period, and the period.

    The trend is removed first. A period is at least 4 steps and at most a fifth of the series: what is
    slower may be anything that happens once.
    """
    values = np.asarray(series)
    steps = np.arange(len(values))
    values = values - np.polyval(np.polyfit(steps, values, 1), steps)
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)))) ** 2
    power[0] = 0
    bands = np.convolve(power, np.ones(3), "same")
    strongest = 5 + int(np.argmax(bands[5 : len(values) // 4]))
    share = bands[strongest] / power.sum() if power.sum() > 0 else 0.0
    return float(np.ptp(values)), float(share), len(values) / strongest
