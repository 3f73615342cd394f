"""The standard game: the discriminator's steps, then the generator's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from ganzoo.components import PenaltyInputs
from ganzoo.data.batches import Batch
from ganzoo.errors import TrainingError
from ganzoo.training.game import Game, GameContext
from ganzoo.training.optimizers import ScheduledOptimizer
from ganzoo.training.precision import autocast, fastest_memory_format, grad_scaler


class StandardGame(Game):
    """One generator against one discriminator (Goodfellow et al. 2014).

    Each step takes ``discriminator_steps`` steps of the discriminator and then one of the generator.
    Where the spec lets it, the generator is trained on the samples that the discriminator has just
    been trained on: its forward pass then runs once for both.
    """

    def __init__(self, context: GameContext) -> None:
        spec, info = context.spec, context.info
        classes = spec.num_classes(info)
        self._rng = context.rng
        self._device = context.device
        self._dtype = context.dtype
        self._precision = spec.training.precision

        self._latent = spec.latent.build()
        generator = spec.generator.build(spec.latent.dim, info.sample_shape, classes)
        discriminator = spec.discriminator.build(info.sample_shape, classes)
        for network in (self._latent, generator, discriminator):
            network.to(context.device, context.dtype)
            network.to(memory_format=fastest_memory_format(network))
        self.memory_format = fastest_memory_format(discriminator)
        self.networks = {
            "generator": generator,
            "discriminator": discriminator,
            "latent": self._latent,
        }
        compiled = torch.compile if spec.training.compile else _as_it_is
        self._generator, self._discriminator = compiled(generator), compiled(discriminator)

        self.optimizers = {
            "generator": ScheduledOptimizer(
                spec.training.generator_optimizer,
                [*generator.parameters(), *self._latent.parameters()],
                grad_scaler(self._precision, context.device),
            ),
            "discriminator": ScheduledOptimizer(
                spec.training.discriminator_optimizer,
                discriminator.parameters(),
                grad_scaler(self._precision, context.device),
            ),
        }
        self._loss = spec.loss.build()
        self._loss_weights = (spec.loss.discriminator_weight, spec.loss.generator_weight)
        self._penalties = [
            (each.build(), each.weight.build(), each.every) for each in spec.regularizers
        ]
        self._augment = None if spec.augmentation is None else spec.augmentation.build()
        self._joined = spec.discriminator.joins_batches and not self._penalties
        self._discriminator_steps = spec.training.discriminator_steps
        self._parts = spec.training.accumulation
        # Parts of a batch are not kept for the generator's step: memory is what splitting saves.
        self._reuse_fakes = spec.training.reuse_fakes and self._parts == 1

    def step(
        self, next_batch: Callable[[], Batch], step: int, progress: float
    ) -> dict[str, torch.Tensor]:
        """Take the discriminator's steps, then the generator's."""
        first = step * self._discriminator_steps
        last = first + self._discriminator_steps - 1
        for index in range(first, last + 1):
            batch = next_batch()
            keep = self._reuse_fakes and index == last
            fakes, numbers = self._step_discriminator(batch, index, progress, keep_graph=keep)
        return {**numbers, **self._step_generator(batch, fakes, progress)}

    def _step_discriminator(
        self, batch: Batch, index: int, progress: float, *, keep_graph: bool
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Train the discriminator to tell a batch from samples of the generator.

        Returns:
            The samples made (with their graph if asked for), and numbers to log.
        """
        optimizer = self.optimizers["discriminator"]
        optimizer.start(progress)
        numbers: dict[str, torch.Tensor] = {}
        for part in self._split(batch):
            with torch.set_grad_enabled(keep_graph), self._autocast():
                fakes = self._make(part)
            real = self._show(part.samples)
            fake = self._show(fakes.detach())
            real_logits, fake_logits = self._judge(real, fake, part.labels)
            loss = self._weighted(self._loss.discriminator(real_logits, fake_logits), 0)
            total = self._penalized(loss, real, fake, part.labels, index, progress)
            share = self._share(part, batch)
            optimizer.backward(total if share is None else total * share)
            _collect(
                numbers,
                share,
                {
                    "loss/discriminator": loss.detach(),
                    "score/real": real_logits.detach().mean(),
                    "score/fake": fake_logits.detach().mean(),
                },
            )
        optimizer.finish()
        if self._loss.constrain is not None:
            self._loss.constrain(self.networks["discriminator"])
        return fakes, numbers

    def _step_generator(
        self, batch: Batch, fakes: torch.Tensor, progress: float
    ) -> dict[str, torch.Tensor]:
        """Train the generator to make samples that the discriminator takes for real.

        Args:
            batch: the last batch of the discriminator; gives labels, and logits to compare with.
            fakes: samples made of it, with their graph where they are to be used again.
            progress: portion of training done.
        """
        optimizer = self.optimizers["generator"]
        optimizer.start(progress)
        numbers: dict[str, torch.Tensor] = {}
        with _frozen(self.networks["discriminator"]):
            for part in self._split(batch):
                if not self._reuse_fakes:
                    with self._autocast():
                        fakes = self._make(part)
                real_logits = None
                if self._loss.generator_needs_real:
                    real_logits = self._logits(self._show(part.samples), part.labels)
                fake_logits = self._logits(self._show(fakes), part.labels)
                loss = self._weighted(self._loss.generator(fake_logits, real_logits), 1)
                share = self._share(part, batch)
                optimizer.backward(loss if share is None else loss * share)
                _collect(numbers, share, {"loss/generator": loss.detach()})
        optimizer.finish()
        return numbers

    def _make(self, like: Batch) -> torch.Tensor:
        """Make as many samples as there are in a batch, of the same classes."""
        z = self._latent(len(like.samples), self._rng).to(self._dtype)
        samples: torch.Tensor = self._generator(z, like.labels)
        _refuse_shape("generator", "samples", samples, like.samples.shape)
        return samples

    def _show(self, samples: torch.Tensor) -> torch.Tensor:
        """Return what the discriminator sees of samples."""
        return samples if self._augment is None else self._augment(samples, self._rng)

    def _judge(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of real and fake samples, in one pass where that is the same and pays."""
        if not self._joined:
            return self._logits(real, labels), self._logits(fake, labels)
        both = self._logits(
            torch.cat([real, fake]), None if labels is None else torch.cat([labels, labels])
        )
        return both[: len(real)], both[len(real) :]

    def _logits(self, samples: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Return logits in the full format, in which losses are computed."""
        with self._autocast():
            logits: torch.Tensor = self._discriminator(samples, labels)
        _refuse_shape("discriminator", "logits", logits, samples.shape[:1])
        return logits.to(self._dtype)

    def _penalized(
        self,
        loss: torch.Tensor,
        real: torch.Tensor,
        fake: torch.Tensor,
        labels: torch.Tensor | None,
        index: int,
        progress: float,
    ) -> torch.Tensor:
        """Add the penalties that are due at this step of the discriminator."""
        due = [each for each in self._penalties if index % each[2] == 0]
        if not due:
            return loss
        inputs = PenaltyInputs(
            self.networks["discriminator"], real, fake.to(self._dtype), labels, self._rng
        )
        for penalty, weight, every in due:
            loss = loss + penalty(inputs) * (weight(progress) * every)
        return loss

    def _weighted(self, loss: torch.Tensor, side: int) -> torch.Tensor:
        """Apply the spec's weight for the discriminator's (0) or the generator's (1) loss."""
        weight = self._loss_weights[side]
        return loss if weight == 1 else loss * weight

    def _split(self, batch: Batch) -> list[Batch]:
        """Return a batch in the parts whose gradients are summed."""
        if self._parts == 1:
            return [batch]
        samples = batch.samples.chunk(self._parts)
        labels = [None] * len(samples) if batch.labels is None else batch.labels.chunk(self._parts)
        return [Batch(*part) for part in zip(samples, labels, strict=True)]

    def _share(self, part: Batch, batch: Batch) -> float | None:
        """Return the share of a part in the mean over its batch; None where it is the whole."""
        return None if self._parts == 1 else len(part.samples) / len(batch.samples)

    def _autocast(self) -> AbstractContextManager[object]:
        return autocast(self._precision, self._device)


def _refuse_shape(network: str, what: str, made: torch.Tensor, expected: torch.Size) -> None:
    """Refuse what a loss would broadcast in silence, so that it trained on nonsense.

    Raises:
        TrainingError: a network makes another shape than its family promises.
    """
    if made.shape != expected:
        raise TrainingError(
            f"{network}: makes {what} of shape {tuple(made.shape)}; expected {tuple(expected)}"
        )


def _collect(
    totals: dict[str, torch.Tensor], share: float | None, numbers: dict[str, torch.Tensor]
) -> None:
    """Add the numbers of a part of a batch to those of the parts before it."""
    for name, number in numbers.items():
        value = number if share is None else number * share
        totals[name] = totals[name] + value if name in totals else value


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Spare the gradients of weights that are not going to be updated."""
    trained = [each for each in network.parameters() if each.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _as_it_is(network: nn.Module) -> nn.Module:
    return network
