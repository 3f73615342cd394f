"""The standard game: the discriminator's steps, then the generator's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from ganzoo.components import DatasetInfo
from ganzoo.training import (
    AdversarialBatch,
    Batch,
    Game,
    Numbers,
    TrainingContext,
    collect,
)
from ganzoo.training.numerics import fastest_memory_format


if TYPE_CHECKING:
    from ganzoo.builtin.gan import GAN


class StandardGame(Game):
    """One generator against one discriminator (Goodfellow et al. 2014).

    Each step takes ``discriminator_steps`` steps of the discriminator and then one of the generator.
    Where the spec lets it, the generator is trained on the samples that the discriminator has just
    been trained on: its forward pass then runs once for both.
    """

    def __init__(self, algorithm: GAN, data: DatasetInfo, context: TrainingContext) -> None:
        self._context = context
        self.sampler = sampler = algorithm.build_sampler(data)
        self._adversary = algorithm.build_adversary(data, context)
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
        self.memory_format = fastest_memory_format(self._adversary.network)
        self.optimizers = {
            "generator": context.optimizer(
                algorithm.generator_optimizer, generator=sampler.generator, latent=sampler.latent
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
        first = step * self._discriminator_steps
        last = first + self._discriminator_steps - 1
        for index in range(first, last + 1):
            batch = next_batch()
            keep = self._reuse_fakes and index == last
            generated, numbers = self._step_discriminator(batch, index, progress, keep_graph=keep)
        return {**numbers, **self._step_generator(batch, generated, step, progress)}

    def _step_discriminator(
        self, batch: Batch, index: int, progress: float, *, keep_graph: bool
    ) -> tuple[AdversarialBatch, Numbers]:
        """Train the discriminator to tell a batch from samples of the generator.

        Returns:
            The samples (with their graph if asked for), and numbers to log.
        """
        optimizer, numbers = self.optimizers["discriminator"], Numbers()
        optimizer.zero_grad(progress)
        for part, fraction in self._context.split(batch):
            with torch.set_grad_enabled(keep_graph):
                generated = self._generate(part)
            loss, found = self._adversary.discriminator_loss(generated, index, progress)
            optimizer.backward(loss, fraction)
            collect(numbers, fraction, found)
        optimizer.step()
        self._adversary.constrain()
        return generated, numbers

    def _step_generator(
        self, batch: Batch, generated: AdversarialBatch, step: int, progress: float
    ) -> Numbers:
        """Train the generator to make samples that the discriminator takes for real.

        Args:
            batch: the last batch of the discriminator; gives conditions, and logits to compare with.
            generated: samples generated for it, with their graph where they are to be used again.
            step: number of steps taken before this one.
            progress: fraction of training done.
        """
        optimizer, numbers = self.optimizers["generator"], Numbers()
        optimizer.zero_grad(progress)
        for part, fraction in self._context.split(batch):
            if not self._reuse_fakes:
                generated = self._generate(part)
            loss, found = self._adversary.generator_loss(generated, step, progress)
            optimizer.backward(loss, fraction)
            collect(numbers, fraction, found)
        optimizer.step()
        return numbers

    def _generate(self, batch: Batch) -> AdversarialBatch:
        return AdversarialBatch.of(
            batch, self._generator, self._latent, self._context, exact=self._exact_generator
        )
