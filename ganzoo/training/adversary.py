"""A discriminator with everything that turns its output into losses.

Every adversarial algorithm is made of this: packing, augmentation, the passes over real and fake
samples, the adversarial loss, auxiliary losses and regularizers, for the discriminator's update and for
the generator's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.components import (
    Augmentation,
    AuxiliaryLoss,
    DiscriminatorOutput,
    Loss,
    LossInputs,
    Regularizer,
    Setting,
    Side,
)
from ganzoo.data.batches import Batch
from ganzoo.errors import TrainingError
from ganzoo.nn import parametrized
from ganzoo.training.game import TrainingContext
from ganzoo.training.optimizers import Numbers


@dataclass(frozen=True)
class AdversarialBatch:
    """Real and fake samples, with what belongs to them.

    Attributes:
        real: (N, *sample_shape), without gradient.
        fake: of the same shape; with gradient to the generator for its update.
        condition: of both, or None.
        latents: what fake samples were generated from, or None.
        source: what fake samples were translated from, or None.
        generator: maps ``(latents, condition)`` to samples, for regularizers of the generator, or None.
    """

    real: torch.Tensor
    fake: torch.Tensor
    condition: torch.Tensor | None = None
    latents: torch.Tensor | None = None
    source: torch.Tensor | None = None
    generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor] | None = None

    def __post_init__(self) -> None:
        """Refuse fake samples of another shape, which a loss would broadcast in silence.

        Raises:
            TrainingError: the generator gives them.
        """
        if self.fake.shape != self.real.shape:
            raise TrainingError(
                f"generator: gives samples of shape {tuple(self.fake.shape)}; expected"
                f" {tuple(self.real.shape)}"
            )

    @classmethod
    def of(
        cls,
        batch: Batch,
        generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
        latent: Callable[[int, torch.Generator], torch.Tensor],
        context: TrainingContext,
        *,
        exact: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor] | None = None,
    ) -> AdversarialBatch:
        """Generate as many samples as there are in a batch, of the same conditions.

        Args:
            batch: real samples.
            generator: maps ``(latents, condition)`` to samples.
            latent: maps ``(n, rng)`` to latents.
            context: how to train.
            exact: the same generator as regularizers call it, where ``generator`` is compiled: what is
                compiled cannot be differentiated twice.
        """
        z = latent(len(batch), context.rng).to(context.dtype)
        with context.autocast():
            fake = generator(z, batch.condition)
        fake = fake.to(context.dtype)
        return cls(batch.sample, fake, batch.condition, z, batch.source, exact or generator)

    def detached(self) -> AdversarialBatch:
        """Return the same batch without gradient to the generator and to learned latents."""
        latents = None if self.latents is None else self.latents.detach()
        real, fake = self.real, self.fake.detach()
        return AdversarialBatch(real, fake, self.condition, latents, self.source, self.generator)


@dataclass(frozen=True)
class _Part:
    """An auxiliary loss or a regularizer with what it builds."""

    component: Any
    function: Callable[..., torch.Tensor]
    weight: Callable[[float], float]


class Adversary:
    """A discriminator and its losses.

    Args:
        context: how to train.
        setting: the discriminator, what it reads and what it is told.
        loss: the adversarial loss.
        auxiliary_losses: further terms of either side.
        regularizers: penalties of either side.
        augmentation: applied to all samples that it reads, or None.
        name: what its modules and numbers are called: ``discriminator``.

    Attributes:
        network: the discriminator.
        modules: it and its parts with state, by name, for ``Game.networks``.
        trained: the modules that its optimizer updates, by name.
        generator_trained: those that the generator's optimizer updates: auxiliary losses of that side.
        suffix: what the names of its numbers end with: nothing for ``discriminator``.
        last: the samples of its last update, before augmentation, with its outputs for real and for
            generated ones; of a batch in parts, the last part.
    """

    def __init__(
        self,
        context: TrainingContext,
        setting: Setting,
        *,
        loss: Loss,
        auxiliary_losses: Sequence[AuxiliaryLoss] = (),
        regularizers: Sequence[Regularizer] = (),
        augmentation: Augmentation | None = None,
        name: str = "discriminator",
    ) -> None:
        component = setting.discriminator
        self._context, self._name, self._pack = context, name, component.pack
        self.suffix = "" if name == "discriminator" else f"/{name}"
        shape = component.packed_shape(setting.samples.shape)
        self._told = component.conditional
        network = component.build(shape, setting.condition if self._told else None)
        self.network = context.place(parametrized(network, component))
        self._compiled = context.compiled(self.network)
        self._loss = loss.build()
        self._weights = {
            "discriminator": loss.discriminator_weight,
            "generator": loss.generator_weight,
        }
        self._auxiliary = _labelled(auxiliary_losses, lambda each: each.build(setting))
        self._regularizers = _labelled(regularizers, lambda each: each.build())
        self._generator_needs_real = self._loss.generator_needs_real or any(
            each.needs_real and "generator" in each.sides for each in auxiliary_losses
        )
        self._augment: Any = None if augmentation is None else augmentation.build()
        self._observes = augmentation is not None and augmentation.observes
        self._mixes = augmentation is not None and augmentation.mixes
        self._observed: list[torch.Tensor] = []
        self.last: tuple[AdversarialBatch, DiscriminatorOutput, DiscriminatorOutput] | None = None
        regularized = any(each.side == "discriminator" for each in regularizers)
        self._joined = component.joins_batches and not regularized
        self.trained: dict[str, nn.Module] = {name: self.network}
        self.generator_trained: dict[str, nn.Module] = {}
        for label, part in self._auxiliary.items():
            if isinstance(part.function, nn.Module):
                trains = "discriminator" in part.component.sides
                modules = self.trained if trains else self.generator_trained
                modules[f"{name}-auxiliary-{label}"] = context.place(part.function)
        self._parameters = [each for part in self.trained.values() for each in part.parameters()]
        self.modules = self.trained | self.generator_trained
        stateful: dict[str, Any] = {
            f"regularizer-{label}": part.function for label, part in self._regularizers.items()
        }
        stateful["augmentation"] = self._augment
        for label, module in stateful.items():
            if isinstance(module, nn.Module):
                self.modules[f"{name}-{label}"] = context.place(module)

    def discriminator_loss(
        self, batch: AdversarialBatch, index: int, progress: float
    ) -> tuple[torch.Tensor, Numbers]:
        """Return what the discriminator minimizes.

        Args:
            batch: real and fake samples; the generator gets no gradient from them.
            index: number of its update, from 0; decides which regularizers are due.
            progress: fraction of training done.

        Returns:
            The total, and numbers to log.
        """
        batch = batch.detached()
        due = self._due("discriminator", index)
        needed = {each for part in due.values() for each in part.component.needs_gradient}
        real = batch.real
        if self._mixes:
            real = self._augment.mix(real, batch.fake, self._context.rng)
        real = real.detach().requires_grad_() if "real" in needed else real
        fake = batch.fake.detach().requires_grad_() if "fake" in needed else batch.fake
        real_output, fake_output = self._discriminate_both(
            real, fake, batch.condition, exact=bool(needed)
        )
        loss = self._loss.at(progress).discriminator(real_output.logits, fake_output.logits)
        loss = self._weighted(loss, "discriminator")
        numbers = {
            f"loss/discriminator{self.suffix}": loss.detach(),
            f"score/real{self.suffix}": real_output.logits.detach().mean(),
            f"score/fake{self.suffix}": fake_output.logits.detach().mean(),
        }
        if self._observes:
            self._observed.append(real_output.logits.detach())
        self.last = batch, real_output.map(torch.detach), fake_output.map(torch.detach)
        inputs = self._inputs("discriminator", batch, (real, fake), (real_output, fake_output))
        return sum(self._added(inputs, due, progress, numbers), start=loss), numbers

    def generator_loss(
        self, batch: AdversarialBatch, index: int, progress: float
    ) -> tuple[torch.Tensor, Numbers]:
        """Return what the generator minimizes; the discriminator's weights get no gradient from it.

        Args:
            batch: real samples, and fake ones with gradient.
            index: number of the generator's update, from 0.
            progress: fraction of training done.

        Returns:
            The total, and numbers to log.
        """
        real_output = None
        due = self._due("generator", index)
        exact = any(part.component.needs_gradient for part in due.values())
        with frozen(self._parameters):
            if self._generator_needs_real:
                real_output = self.discriminate(batch.real, batch.condition)
            fake_output = self.discriminate(batch.fake, batch.condition, exact=exact)
            real_logits = None
            if real_output is not None and self._loss.generator_needs_real:
                real_logits = real_output.logits
            loss = self._loss.at(progress).generator(fake_output.logits, real_logits)
            loss = self._weighted(loss, "generator")
            numbers = {f"loss/generator{self.suffix}": loss.detach()}
            samples, outputs = (batch.real, batch.fake), (real_output, fake_output)
            inputs = self._inputs("generator", batch, samples, outputs)
            loss = sum(self._added(inputs, due, progress, numbers), start=loss)
        return loss, numbers

    def after_update(self) -> Numbers:
        """Do what follows each update of the discriminator; algorithms call it after the step.

        The loss may demand something of the weights (weight clipping), and an augmentation may observe
        the logits of the real samples of the update.

        Returns:
            Numbers to log.
        """
        if self._loss.constrain is not None:
            self._loss.constrain(self.network)
        if not self._observed:
            return {}
        numbers = self._augment.observe(torch.cat(self._observed))
        self._observed.clear()
        return {
            f"augmentation/{name}{self.suffix}": torch.as_tensor(number)
            for name, number in numbers.items()
        }

    def discriminate(
        self, samples: torch.Tensor, condition: torch.Tensor | None, *, exact: bool = False
    ) -> DiscriminatorOutput:
        """Return what the discriminator says about samples, in the number format of losses.

        Args:
            samples: (N, *sample_shape), before augmentation.
            condition: of each sample, or None.
            exact: whether to compute in full precision and without compilation, so that the result can
                be differentiated twice.

        Raises:
            TrainingError: it does not give logits for each pack of samples.
        """
        if self._augment is not None:
            samples = self._augment(samples, self._context.rng)
        count = len(samples) // self._pack
        if self._pack > 1:
            samples = samples.reshape(count, self._pack * samples.shape[1], *samples.shape[2:])
        network = self.network if exact else self._compiled
        with self._context.autocast(enabled=not exact):
            output = network(samples, condition if self._told else None)
        if not isinstance(output, DiscriminatorOutput):
            output = DiscriminatorOutput(output)
        if output.logits.dim() == 0 or len(output.logits) != count:
            raise TrainingError(
                f"{self._name}: gives logits of shape {tuple(output.logits.shape)}; expected"
                f" ({count},) or ({count}, …)"
            )
        if output.logits.dtype != self._context.dtype:
            output = output.map(lambda tensor: tensor.to(self._context.dtype))
        return output

    def chance(self) -> float | None:
        """Return the loss of a discriminator that knows nothing; None for losses without a bound."""
        logits = torch.zeros(1), torch.full((1,), 1e3)
        losses = (self._loss.discriminator(real, -real) for real in logits)
        nothing, sure = (float(self._weighted(each, "discriminator")) for each in losses)
        return nothing if nothing > 0 and sure >= 0 else None

    @torch.no_grad()
    def quiet(
        self, samples: torch.Tensor, condition: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of samples, without augmentation and in evaluation mode, and their features.

        Features are what the last layer with weights reads, or else the logits, (N, d). Nothing of the
        training changes: no buffer, no random number.
        """
        modes = [(module, module.training) for module in self.network.modules()]
        augment, self._augment = self._augment, None
        samples = samples[: len(samples) - len(samples) % self._pack]
        count = len(samples) // self._pack
        read: list[torch.Tensor] = []

        def keep(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            first = inputs[0] if inputs else None
            if (
                isinstance(first, torch.Tensor)
                and len(first) == count
                and first.is_floating_point()
            ):
                read[:] = [first]

        hooks = [
            module.register_forward_pre_hook(keep)
            for module, _ in modes
            if is_parametrized(module) or any(each.dim() > 1 for each in module.parameters(False))
        ]
        self.network.eval()
        try:
            logits = self.discriminate(samples, condition, exact=True).logits
        finally:
            self._augment = augment
            for hook in hooks:
                hook.remove()
            for module, mode in modes:
                module.training = mode
        return logits, (read[0] if read else logits).reshape(count, -1)

    @torch.no_grad()
    def quiet_augmented(self, samples: torch.Tensor, seed: int) -> torch.Tensor | None:
        """Return samples as the discriminator would see them; None where nothing is augmented.

        A copy of the augmentation does it, with random numbers of its own.
        """
        if self._augment is None:
            return None
        rng = torch.Generator(self._context.rng.device).manual_seed(seed)
        augmented: torch.Tensor = copy.deepcopy(self._augment)(samples, rng)
        return augmented

    def _discriminate_both(
        self,
        real: torch.Tensor,
        fake: torch.Tensor,
        condition: torch.Tensor | None,
        *,
        exact: bool,
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Return the output for real and fake samples, in one pass where that is the same and pays."""
        if not self._joined:
            real_output = self.discriminate(real, condition, exact=exact)
            return real_output, self.discriminate(fake, condition, exact=exact)
        doubled = None if condition is None else torch.cat([condition, condition])
        both = self.discriminate(torch.cat([real, fake]), doubled, exact=exact)
        count = len(real) // self._pack
        return both.map(lambda tensor: tensor[:count]), both.map(lambda tensor: tensor[count:])

    def _due(self, side: Side, index: int) -> dict[str, _Part]:
        """Return the regularizers of a side that are used in an update."""
        return {
            label: part
            for label, part in self._regularizers.items()
            if part.component.side == side and index % part.component.every == 0
        }

    def _inputs(
        self,
        side: Side,
        batch: AdversarialBatch,
        samples: tuple[torch.Tensor, torch.Tensor],
        outputs: tuple[DiscriminatorOutput | None, DiscriminatorOutput],
    ) -> LossInputs:
        """Return what auxiliary losses and regularizers see; samples and outputs are (real, fake)."""
        return LossInputs(
            side=side,
            real=samples[0],
            fake=samples[1],
            real_output=outputs[0],
            fake_output=outputs[1],
            condition=batch.condition,
            latents=batch.latents,
            source=batch.source,
            discriminator=lambda samples: self.discriminate(samples, batch.condition, exact=True),
            generator=batch.generator,
            differentiate=input_gradient,
            rng=self._context.rng,
        )

    def _added(
        self, inputs: LossInputs, due: dict[str, _Part], progress: float, numbers: Numbers
    ) -> Iterator[torch.Tensor]:
        """Yield the auxiliary losses of a side and the regularizers that are due, weighted."""
        for label, part in self._auxiliary.items():
            if inputs.side in part.component.sides:
                value = part.function(inputs)
                numbers[f"auxiliary/{inputs.side}/{label}{self.suffix}"] = value.detach()
                yield value * part.weight(progress)
        for label, part in due.items():
            value = part.function(inputs)
            numbers[f"regularizer/{label}{self.suffix}"] = value.detach()
            yield value * (part.weight(progress) * part.component.every)

    def _weighted(self, loss: torch.Tensor, side: Side) -> torch.Tensor:
        weight = self._weights[side]
        return loss if weight == 1 else loss * weight


def input_gradient(output: DiscriminatorOutput, samples: torch.Tensor) -> torch.Tensor:
    """Return the gradient (N, values) of logits at samples; it can be differentiated again.

    The gradient of the sum holds that of each sample's logits, since a logit depends on its own sample
    (or pack) only.
    """
    (gradient,) = torch.autograd.grad(output.logits.sum(), samples, create_graph=True)
    return gradient.flatten(1)


@contextmanager
def frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Compute without gradients for some weights, which are not going to be updated."""
    trained = [each for each in parameters if each.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def _labelled(
    components: Sequence[Any], build: Callable[[Any], Callable[..., torch.Tensor]]
) -> dict[str, _Part]:
    """Build components; each gets its type as its label, with a number where a type stands twice."""
    built: dict[str, _Part] = {}
    for component in components:
        label, number = component.type, 2
        while label in built:
            label, number = f"{component.type}-{number}", number + 1
        built[label] = _Part(component, build(component), component.weight.build())
    return built
