"""The game of CycleGAN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import DatasetInfo
from ganzoo.training import (
    AdversarialBatch,
    Adversary,
    Batch,
    Game,
    Numbers,
    TrainingContext,
    collect,
)

if TYPE_CHECKING:
    from ganzoo_cyclegan.plugin import CycleGAN


class CycleGame(Game):
    """Translators take a step together, then the discriminators do."""

    def __init__(self, algorithm: CycleGAN, data: DatasetInfo, context: TrainingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self.sampler = algorithm.build_sampler(data)
        there = context.place(self.sampler.translator)
        back = context.place(algorithm.translator(data, back=True))
        self._there, self._back = context.compiled(there), context.compiled(back)
        self._adversaries = {
            name: Adversary(context, setting, loss=algorithm.loss, name=f"{name}-discriminator")
            for name, setting in algorithm.settings(data, context.training).items()
        }
        self._pools = {
            name: context.place(Pool(algorithm.pool, setting.samples.shape))
            for name, setting in algorithm.settings(data, context.training).items()
        }
        self.networks = {"there": there, "back": back}
        trained: dict[str, nn.Module] = {}
        for name, adversary in self._adversaries.items():
            self.networks |= {**adversary.modules, f"{name}-pool": self._pools[name]}
            trained |= adversary.trained
        self.optimizers = {
            "generator": context.optimizer(algorithm.generator_optimizer, there=there, back=back),
            "discriminator": context.optimizer(algorithm.discriminator_optimizer, **trained),
        }

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take a step of the translators, then one of the discriminators."""
        parts = self._context.split(next_batch())
        numbers = Numbers()
        translated = []
        translators = self.optimizers["generator"]
        translators.zero_grad(progress)
        for part, fraction in parts:
            loss, found, batches = self._translate(part, step, progress)
            translators.backward(loss, fraction)
            collect(numbers, fraction, found)
            translated.append((batches, fraction))
        translators.step()

        discriminators = self.optimizers["discriminator"]
        discriminators.zero_grad(progress)
        for batches, fraction in translated:
            for name, batch in batches.items():
                shown = self._pools[name](batch.fake.detach(), self._context.rng)
                adversary = self._adversaries[name]
                loss, found = adversary.discriminator_loss(
                    AdversarialBatch(batch.real, shown), step, progress
                )
                discriminators.backward(loss, fraction)
                collect(numbers, fraction, found)
        discriminators.step()
        for adversary in self._adversaries.values():
            adversary.constrain()
        return numbers

    def _translate(
        self, batch: Batch, step: int, progress: float
    ) -> tuple[torch.Tensor, Numbers, dict[str, AdversarialBatch]]:
        """Return the translators' loss, numbers to log, and real and translated images by domain."""
        source, target = batch.source, batch.sample
        assert source is not None
        there, back, weights = self._there, self._back, self._algorithm
        with self._context.autocast():
            as_target, as_source = there(source, None), back(target, None)
            cycle = F.l1_loss(back(as_target, None), source) + F.l1_loss(
                there(as_source, None), target
            )
            total = weights.cycle_weight * cycle
            numbers = {"loss/cycle": cycle.detach()}
            if weights.identity_weight:
                same = F.l1_loss(there(target, None), target) + F.l1_loss(
                    back(source, None), source
                )
                total = total + weights.identity_weight * same
                numbers["loss/identity"] = same.detach()
        dtype = self._context.dtype
        batches = {
            "target": AdversarialBatch(target, as_target.to(dtype), source=source),
            "source": AdversarialBatch(source, as_source.to(dtype), source=target),
        }
        for name, each in batches.items():
            loss, found = self._adversaries[name].generator_loss(each, step, progress)
            total, numbers = total + loss, {**numbers, **found}
        return total, numbers, batches


class Pool(nn.Module):
    """Translated images of earlier steps (Shrivastava et al. 2017, arXiv:1612.07828).

    Half of the images shown to a discriminator are drawn from it. It starts full of the first images
    that it is given, repeated.

    Args:
        size: number of images, or 0.
        shape: of an image.
    """

    images: torch.Tensor
    filled: torch.Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.bool))

    def forward(self, fresh: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return some fresh images and some kept ones, whose places fresh ones take."""
        size, count = len(self.images), len(fresh)
        if not size:
            return fresh
        repeated = fresh[torch.arange(size, device=fresh.device) % count]
        self.images.copy_(torch.where(self.filled, self.images, repeated))
        self.filled.fill_(True)
        slots = torch.randperm(size, generator=rng, device=rng.device)[:count]
        swap = torch.rand(count, generator=rng, device=rng.device) < 0.5
        swap = swap.view(-1, *[1] * (fresh.dim() - 1))
        kept = self.images[slots]
        self.images[slots] = torch.where(swap, fresh, kept)
        return torch.where(swap, kept, fresh)
