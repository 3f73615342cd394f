"""The game of CycleGAN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
)

if TYPE_CHECKING:
    from ganzoo_cyclegan.plugin import CycleGAN

Translated = dict[str, AdversarialBatch]
"""Real and translated images of each domain."""


class CycleGame(Game):
    """Translators take a step together, then the discriminators do."""

    def __init__(self, algorithm: CycleGAN, data: DatasetInfo, context: TrainingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self.sampler = algorithm.build_sampler(data)
        translators = {
            "there": context.place(self.sampler.translator),
            "back": context.place(algorithm.translator(data, back=True)),
        }
        self._there, self._back = map(context.compiled, translators.values())
        settings = algorithm.settings(data, context.training)
        self._adversaries = {
            name: Adversary(context, setting, loss=algorithm.loss, name=f"{name}-discriminator")
            for name, setting in settings.items()
        }
        self._pools = {
            f"{name}-pool": context.place(Pool(algorithm.pool, setting.samples.shape))
            for name, setting in settings.items()
        }
        self.networks = translators | self._pools
        trained: dict[str, nn.Module] = {}
        for adversary in self._adversaries.values():
            self.networks |= adversary.modules
            trained |= adversary.trained
        self.optimizers = {
            "generator": context.optimizer(algorithm.generator_optimizer, **translators),
            "discriminator": context.optimizer(algorithm.discriminator_optimizer, **trained),
        }

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take a step of the translators, then one of the discriminators."""
        translated: list[tuple[Translated, float | None]] = []

        def translators(part: Batch) -> tuple[torch.Tensor, Numbers]:
            loss, numbers, domains = self._translate(part)
            for name, each in domains.items():
                added, found = self._adversaries[name].generator_loss(each, step, progress)
                loss, numbers = loss + added, numbers | found
            translated.append((domains, len(part) / len(batch)))
            return loss, numbers

        def discriminators(domains: Translated) -> tuple[torch.Tensor, Numbers]:
            losses, numbers = [], Numbers()
            for name, each in domains.items():
                shown = self._pools[f"{name}-pool"](each.fake.detach(), self._context.rng)
                loss, found = self._adversaries[name].discriminator_loss(
                    replace(each, fake=shown), step, progress
                )
                losses.append(loss)
                numbers |= found
            return torch.stack(losses).sum(), numbers

        batch = next_batch()
        parts = self._context.split(batch)
        numbers = self.optimizers["generator"].update(parts, translators, progress)
        numbers |= self.optimizers["discriminator"].update(translated, discriminators, progress)
        for adversary in self._adversaries.values():
            numbers |= adversary.after_update()
        return numbers

    def _translate(self, batch: Batch) -> tuple[torch.Tensor, Numbers, Translated]:
        """Return what translators minimize besides, numbers to log, and what they translated."""
        source, target, there, back = batch.source, batch.sample, self._there, self._back
        assert source is not None
        with self._context.autocast():
            as_target, as_source = there(source, None), back(target, None)
            cycle = F.l1_loss(back(as_target, None), source)
            cycle = cycle + F.l1_loss(there(as_source, None), target)
            loss, numbers = self._algorithm.cycle_weight * cycle, {"loss/cycle": cycle.detach()}
            if self._algorithm.identity_weight:
                same = F.l1_loss(there(target, None), target)
                same = same + F.l1_loss(back(source, None), source)
                loss = loss + self._algorithm.identity_weight * same
                numbers["loss/identity"] = same.detach()
        dtype = self._context.dtype
        domains = {
            "target": AdversarialBatch(target, as_target.to(dtype), source=source),
            "source": AdversarialBatch(source, as_source.to(dtype), source=target),
        }
        return loss, numbers, domains


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
