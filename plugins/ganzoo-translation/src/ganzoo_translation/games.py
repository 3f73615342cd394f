"""The games: one step of pix2pix, and one of CycleGAN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
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
from ganzoo_translation.pool import ImagePool

if TYPE_CHECKING:
    from ganzoo_translation.algorithms import CycleGAN, Pix2Pix

Domains = dict[str, AdversarialBatch]
"""Real and translated images of each domain."""


class PairGame(Game):
    """pix2pix: the discriminator takes a step, then the translator does."""

    def __init__(self, algorithm: Pix2Pix, data: DatasetInfo, context: TrainingContext) -> None:
        self._context, self._distance_weight = context, algorithm.distance_weight
        self._distance = F.l1_loss if algorithm.distance == "l1" else F.mse_loss
        self.sampler = algorithm.build_sampler(data)
        translator = context.place(self.sampler.translator)
        self._translate = context.compiled(translator)
        self.networks: dict[str, nn.Module] = {"generator": translator}
        self.optimizers = {
            "generator": context.optimizer(algorithm.generator_optimizer, generator=translator)
        }
        setting = algorithm.setting(data, context.training)
        self._adversary: Adversary | None = None
        if setting is not None:
            self._adversary = Adversary(
                context, setting, loss=algorithm.loss, augmentation=algorithm.augmentation
            )
            self.networks |= self._adversary.modules
            self.optimizers["discriminator"] = context.optimizer(
                algorithm.discriminator_optimizer, **self._adversary.trained
            )

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take a step of the discriminator, then one of the translator."""
        adversary = self._adversary
        parts = self._context.split(next_batch())
        # Of a whole batch, both see the same translations; parts are translated anew, to save memory.
        translated = [self._translated(part) for part, _ in parts] if len(parts) == 1 else None

        def discriminator(part: Batch) -> tuple[torch.Tensor, Numbers]:
            assert adversary is not None
            with torch.no_grad():
                images = self._translated(part) if translated is None else translated[0].detach()
            return adversary.discriminator_loss(_pairs(part, images), step, progress)

        def translator(part: Batch) -> tuple[torch.Tensor, Numbers]:
            images = self._translated(part) if translated is None else translated[0]
            distance = self._distance(images, part.sample)
            loss, numbers = self._distance_weight * distance, Numbers()
            if adversary is not None:
                added, numbers = adversary.generator_loss(_pairs(part, images), step, progress)
                loss = loss + added
            return loss, numbers | {"loss/distance": distance.detach()}

        numbers = Numbers()
        if adversary is not None:
            numbers |= self.optimizers["discriminator"].update(parts, discriminator, progress)
            numbers |= adversary.after_update()
        return numbers | self.optimizers["generator"].update(parts, translator, progress)

    def _translated(self, batch: Batch) -> torch.Tensor:
        assert batch.source is not None  # checked before anything is built
        with self._context.autocast():
            images = self._translate(batch.source, None)
        translated: torch.Tensor = images.to(self._context.dtype)
        return translated


def _pairs(batch: Batch, images: torch.Tensor) -> AdversarialBatch:
    """Return targets and translated images, each with the source in front of it."""
    source, target = batch.source, batch.sample
    assert source is not None
    return AdversarialBatch(
        torch.cat([source, target], dim=1), torch.cat([source, images], dim=1), source=source
    )


class CycleGame(Game):
    """CycleGAN: both translators take a step together, then both discriminators do."""

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
            name: Adversary(
                context,
                setting,
                loss=algorithm.loss,
                augmentation=algorithm.augmentation,
                name=f"{name}-discriminator",
            )
            for name, setting in settings.items()
        }
        self._pools = {
            name: context.place(ImagePool(algorithm.pool, setting.samples.shape))
            for name, setting in settings.items()
        }
        self.networks = translators | {f"{name}-pool": each for name, each in self._pools.items()}
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
        translated: list[tuple[Domains, float | None]] = []

        def translators(weighted: tuple[Batch, float | None]) -> tuple[torch.Tensor, Numbers]:
            part, fraction = weighted
            loss, numbers, domains = self._translated(part)
            for name, each in domains.items():
                added, found = self._adversaries[name].generator_loss(each, step, progress)
                loss, numbers = loss + added, numbers | found
            detached = {name: each.detached() for name, each in domains.items()}
            translated.append((detached, fraction))
            return loss, numbers

        def discriminators(domains: Domains) -> tuple[torch.Tensor, Numbers]:
            losses, numbers = [], Numbers()
            for name, each in domains.items():
                shown = replace(each, fake=self._pools[name](each.fake, self._context.rng))
                loss, found = self._adversaries[name].discriminator_loss(shown, step, progress)
                losses.append(loss)
                numbers |= found
            return torch.stack(losses).sum(), numbers

        parts = [
            ((part, fraction), fraction) for part, fraction in self._context.split(next_batch())
        ]
        numbers = self.optimizers["generator"].update(parts, translators, progress)
        numbers |= self.optimizers["discriminator"].update(translated, discriminators, progress)
        for adversary in self._adversaries.values():
            numbers |= adversary.after_update()
        return numbers

    def _translated(self, batch: Batch) -> tuple[torch.Tensor, Numbers, Domains]:
        """Return what translators minimize besides, numbers to log, and what they translated."""
        source, target, there, back = batch.source, batch.sample, self._there, self._back
        assert source is not None  # checked before anything is built
        weights, dtype = self._algorithm, self._context.dtype
        with self._context.autocast():
            as_target, as_source = there(source, None), back(target, None)
            cycle = F.l1_loss(back(as_target, None), source)
            cycle = cycle + F.l1_loss(there(as_source, None), target)
            loss, numbers = weights.cycle_weight * cycle, {"loss/cycle": cycle.detach()}
            if weights.identity_weight:
                same = F.l1_loss(there(target, None), target)
                same = same + F.l1_loss(back(source, None), source)
                loss = loss + weights.identity_weight * same
                numbers["loss/identity"] = same.detach()
        domains = {
            "target": AdversarialBatch(target, as_target.to(dtype), source=source),
            "source": AdversarialBatch(source, as_source.to(dtype), source=target),
        }
        return loss, numbers, domains
