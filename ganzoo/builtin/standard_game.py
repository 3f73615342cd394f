"""The standard game: the discriminator's steps, then the generator's."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ganzoo.builtin.gan import GAN
from ganzoo.components import DatasetInfo
from ganzoo.errors import TrainingError
from ganzoo.training import (
    AdversarialBatch,
    Adversary,
    Batch,
    Game,
    Numbers,
    TrainingContext,
    collect,
)
from ganzoo.training.numerics import fastest_memory_format


class StandardGame(Game):
    """One generator against one discriminator (Goodfellow et al. 2014).

    Each step takes ``discriminator_steps`` steps of the discriminator and then one of the generator.
    Where the spec lets it, the generator is trained on the samples that the discriminator has just
    been trained on: its forward pass then runs once for both.
    """

    def __init__(self, algorithm: GAN, data: DatasetInfo, context: TrainingContext) -> None:
        self._context = context
        sampler = algorithm.build_sampler(data)
        self._adversary = Adversary(
            context,
            algorithm.setting(data, context.training),
            loss=algorithm.loss,
            auxiliary_losses=algorithm.auxiliary_losses,
            regularizers=algorithm.regularizers,
            augmentation=algorithm.augmentation,
        )
        context.place(sampler.generator)
        context.place(sampler.latent)
        self.sampler = sampler
        self._generator, self._latent = context.compiled(sampler.generator), sampler.latent
        self._exact_generator = sampler.generator  # what is compiled cannot be differentiated twice
        self._noise = (context.rng,) if algorithm.generator.uses_noise else ()
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
            loss, found = self._adversary.discriminator_loss(_detached(generated), index, progress)
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
        """Generate as many samples as there are in a batch, of the same conditions.

        Raises:
            TrainingError: the generator gives another shape than real samples have.
        """
        context = self._context
        z = self._latent(len(batch), context.rng).to(context.dtype)
        with context.autocast():
            samples = self._generator(z, batch.condition, *self._noise)
        # A loss would broadcast another shape in silence, and train on nonsense.
        if samples.shape != batch.sample.shape:
            raise TrainingError(
                f"generator: gives samples of shape {tuple(samples.shape)}; expected"
                f" {tuple(batch.sample.shape)}"
            )
        return AdversarialBatch(
            batch.sample,
            samples.to(context.dtype),
            batch.condition,
            latents=z,
            source=batch.source,
            generator=lambda z, condition: self._exact_generator(z, condition, *self._noise),
        )


def _detached(batch: AdversarialBatch) -> AdversarialBatch:
    latents = None if batch.latents is None else batch.latents.detach()
    return AdversarialBatch(
        batch.real, batch.fake.detach(), batch.condition, latents, batch.source, batch.generator
    )
