"""The standard game: the discriminator's steps, then the generator's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch

from ganzoo.components import DatasetInfo
from ganzoo.training import AdversarialBatch, Batch, Game, Numbers, TrainingContext

if TYPE_CHECKING:
    from ganzoo.builtin.gan import StandardAlgorithm

Part = tuple[AdversarialBatch, float | None]
"""A part of a batch, with its weight in the mean over the batch."""


class StandardGame(Game):
    """One generator against one discriminator (Goodfellow et al. 2014).

    Each step takes ``discriminator_steps`` steps of the discriminator and then one of the generator.
    Where the spec lets it, the generator is trained on the samples that the discriminator has just
    been trained on: its forward pass then runs once for both.
    """

    def __init__(
        self, algorithm: StandardAlgorithm, data: DatasetInfo, context: TrainingContext
    ) -> None:
        self._context = context
        self.sampler = sampler = algorithm.build_sampler(data)
        self._adversary = algorithm.build_adversary(data, context)
        self.adversaries = (self._adversary,)
        self._latent = context.place(sampler.latent)
        exact = context.place(sampler.generator)
        fast = context.compiled(exact)
        noise = (context.rng,) if algorithm.generator.uses_noise else ()
        self._exact_generator = lambda z, condition: exact(z, condition, *noise)
        self._generator = lambda z, condition: fast(z, condition, *noise)
        self.networks = {
            "generator": sampler.generator,
            "latent": sampler.latent,
            **self._adversary.modules,
        }
        self.optimizers = {
            "generator": context.optimizer(
                algorithm.generator_optimizer,
                generator=sampler.generator,
                latent=sampler.latent,
                **self._adversary.generator_trained,
            ),
            "discriminator": context.optimizer(
                algorithm.discriminator_optimizer, **self._adversary.trained
            ),
        }
        self._discriminator_steps = algorithm.discriminator_steps
        # Parts of a batch are not kept for the generator's step: memory is what splitting saves.
        self._reuse_fakes = algorithm.reuse_fakes and context.training.accumulation == 1

    def step(self, next_batch: Callable[[], Batch], step: int, progress: float) -> Numbers:
        """Take the discriminator's steps, then the generator's."""
        adversary, first = self._adversary, step * self._discriminator_steps
        numbers = Numbers()
        for index in range(first, first + self._discriminator_steps):
            batch = next_batch()
            keep = self._reuse_fakes and index == first + self._discriminator_steps - 1
            parts: Iterable[Part] = self._generate(batch, with_graph=keep)
            if keep:
                parts = list(parts)
            on_discriminator = partial(adversary.discriminator_loss, index=index, progress=progress)
            # Of several steps the last counts, and an earlier one for what is not in each of them.
            numbers |= self.optimizers["discriminator"].update(parts, on_discriminator, progress)
            numbers |= adversary.after_update()
        if not self._reuse_fakes:
            parts = self._generate(batch, with_graph=True)
        on_generator = partial(adversary.generator_loss, index=step, progress=progress)
        return numbers | self.optimizers["generator"].update(parts, on_generator, progress)

    def _generate(self, batch: Batch, *, with_graph: bool) -> Iterator[Part]:
        """Yield the parts of a batch, each with as many generated samples of its conditions."""
        for part, fraction in self._context.split(batch):
            with torch.set_grad_enabled(with_graph):
                generated = AdversarialBatch.of(
                    part, self._generator, self._latent, self._context, exact=self._exact_generator
                )
            yield generated, fraction
