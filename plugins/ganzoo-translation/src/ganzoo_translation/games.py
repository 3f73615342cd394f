"""The games: one step of pix2pix, of CUT and of CycleGAN."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
    TranslatingSampler,
)
from ganzoo_translation.contrast import Contrast
from ganzoo_translation.pool import ImagePool

if TYPE_CHECKING:
    from ganzoo_translation.algorithms import CUT, CycleGAN, Pix2Pix

Domains = dict[str, AdversarialBatch]
"""Real and translated images of each domain."""


class OneWayGame(Game, ABC):
    """One translator against one discriminator, which takes its step first.

    Args:
        algorithm: what is trained.
        sampler: the translator.
        data: the description of the data set.
        context: how to train.
        beside: what is trained together with the translator, by name.
    """

    def __init__(
        self,
        algorithm: Pix2Pix | CUT,
        sampler: TranslatingSampler,
        data: DatasetInfo,
        context: TrainingContext,
        **beside: nn.Module,
    ) -> None:
        self._context, self.sampler = context, sampler
        updated = {
            name: context.place(each)
            for name, each in {"generator": sampler.translator, **beside}.items()
        }
        self._translate = context.compiled(sampler.translator)
        self.networks: dict[str, nn.Module] = {**updated}
        self.optimizers = {"generator": context.optimizer(algorithm.generator_optimizer, **updated)}
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
        translated = self._translated(parts[0][0].source) if len(parts) == 1 else None

        def discriminator(part: Batch) -> tuple[torch.Tensor, Numbers]:
            assert adversary is not None
            with torch.no_grad():
                images = self._translated(part.source) if translated is None else translated
            return adversary.discriminator_loss(self._shown(part, images), step, progress)

        def translator(part: Batch) -> tuple[torch.Tensor, Numbers]:
            images = self._translated(part.source) if translated is None else translated
            loss, numbers = self._besides(part, images)
            if adversary is not None:
                shown = self._shown(part, images)
                added, found = adversary.generator_loss(shown, step, progress)
                loss, numbers = loss + added, found | numbers
            return loss, numbers

        numbers = Numbers()
        if adversary is not None:
            numbers |= self.optimizers["discriminator"].update(parts, discriminator, progress)
            numbers |= adversary.after_update()
        return numbers | self.optimizers["generator"].update(parts, translator, progress)

    def _translated(self, source: torch.Tensor | None) -> torch.Tensor:
        assert source is not None  # checked before anything is built
        with self._context.autocast():
            images = self._translate(source, None)
        translated: torch.Tensor = images.to(self._context.dtype)
        return translated

    @abstractmethod
    def _shown(self, batch: Batch, images: torch.Tensor) -> AdversarialBatch:
        """Return what the discriminator sees of a batch and of its translations."""

    @abstractmethod
    def _besides(self, batch: Batch, images: torch.Tensor) -> tuple[torch.Tensor, Numbers]:
        """Return what the translator minimizes besides, and numbers to log."""


class PairGame(OneWayGame):
    """pix2pix: translations are near their targets, and the discriminator sees their sources, too."""

    def __init__(self, algorithm: Pix2Pix, data: DatasetInfo, context: TrainingContext) -> None:
        super().__init__(algorithm, algorithm.build_sampler(data), data, context)
        self._weight = algorithm.distance_weight
        self._distance = F.l1_loss if algorithm.distance == "l1" else F.mse_loss

    def _shown(self, batch: Batch, images: torch.Tensor) -> AdversarialBatch:
        source = batch.source
        assert source is not None  # checked before anything is built
        real, fake = (torch.cat([source, each], dim=1) for each in (batch.sample, images))
        return AdversarialBatch(real, fake, source=source)

    def _besides(self, batch: Batch, images: torch.Tensor) -> tuple[torch.Tensor, Numbers]:
        distance = self._distance(images, batch.sample)
        return self._weight * distance, {"loss/distance": distance.detach()}


class CutGame(OneWayGame):
    """CUT: each patch of a translation resembles the same patch of its source, and no other."""

    def __init__(self, algorithm: CUT, data: DatasetInfo, context: TrainingContext) -> None:
        sampler = algorithm.build_sampler(data)
        translator: Any = sampler.translator  # one that has 'encoded', as was checked
        self._algorithm, self._encoded = algorithm, translator.encoded
        self._contrast = Contrast(
            translator.encoded_channels,
            algorithm.projection,
            patches=algorithm.patches,
            temperature=algorithm.temperature,
        )
        super().__init__(algorithm, sampler, data, context, contrast=self._contrast)

    def _shown(self, batch: Batch, images: torch.Tensor) -> AdversarialBatch:
        return AdversarialBatch(batch.sample, images, source=batch.source)

    def _besides(self, batch: Batch, images: torch.Tensor) -> tuple[torch.Tensor, Numbers]:
        assert batch.source is not None  # checked before anything is built
        contrast = self._between(batch.source, images)
        numbers = {"loss/contrast": contrast.detach()}
        if self._algorithm.identity:
            same = self._between(batch.sample, self._translated(batch.sample))
            numbers["loss/identity"] = same.detach()
            contrast = (contrast + same) / 2
        return self._algorithm.contrast_weight * contrast, numbers

    def _between(self, source: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return the contrastive loss of images and their sources."""
        with self._context.autocast():
            with torch.no_grad():
                keys = self._encoded(source)
            loss: torch.Tensor = self._contrast(self._encoded(images), keys, self._context.rng)
        return loss.to(self._context.dtype)


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
