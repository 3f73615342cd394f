"""Checks of what networks minimize: losses, auxiliary losses, regularizers, augmentations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from safetensors.torch import load
from torch import nn

from ganzoo.builtin.latents import Normal
from ganzoo.builtin.schedules import Constant
from ganzoo.components import (
    Augmentation,
    AuxiliaryLoss,
    ConditionKind,
    DatasetInfo,
    DiscriminatorOutput,
    LossInputs,
    Regularizer,
    Setting,
    Side,
    space_of,
)
from ganzoo.nn import parametrized
from ganzoo.testing.checks import (
    Options,
    few,
    for_each,
    passes,
    require,
    require_from_rng,
    require_tensor,
    same,
)
from ganzoo.testing.trials import (
    BATCH,
    EVERYTHING,
    KINDS,
    LATENT,
    TinyDiscriminator,
    TinyGenerator,
    condition_of,
    conditions,
)
from ganzoo.training.adversary import input_gradient
from ganzoo.utils.tensors import to_safetensors

Part = AuxiliaryLoss | Regularizer | Augmentation


def settings(part: Part, options: Options) -> list[Setting]:
    """Return what the ``check`` of a part lets pass: each shape once, the first with all conditions."""
    found: list[Setting] = []
    for shape in options.sample_shapes:
        for kind, translated in [(None, False), *((kind, False) for kind in KINDS), (None, True)]:
            setting = setting_of(shape, kind, options, translated=translated)
            repeated = any(each.data.sample_shape == shape for each in found)
            if (not repeated or len(found) < len(KINDS)) and passes(part.check, setting):
                found.append(setting)
    shapes = few(map(str, options.sample_shapes), 5)
    require(
        found,
        f"'check' refuses samples {shapes} with every kind of condition; name shapes in"
        " 'sample_shapes', or networks in 'specs'",
    )
    return found


def setting_of(
    shape: tuple[int, ...],
    kind: ConditionKind | None,
    options: Options,
    *,
    translated: bool = False,
) -> Setting:
    """Return networks and data for a part: networks that the options give, or tiny ones."""
    space = space_of(shape, "uint8" if len(shape) == 3 else "float32")
    condition, told = condition_of(kind), kind is not None
    return Setting(
        DatasetInfo(space, condition, space if translated else None),
        space,
        condition,
        options.spec.get("discriminator", TinyDiscriminator(conditional=told, outputs=EVERYTHING)),
        options.spec.get("generator", TinyGenerator(conditional=told)),
        options.spec.get("latent", Normal(dim=LATENT)),
        BATCH,
    )


@dataclass
class Play:
    """One side's step, up to where a part comes in.

    Attributes:
        inputs: what the part is given.
        watched: to which a gradient must flow: the weights of the side's network, or samples.
        tensors: what must not be changed.
        gradients: samples at which the gradient of logits was asked for.
    """

    inputs: Any
    watched: Sequence[torch.Tensor]
    tensors: Sequence[torch.Tensor]
    gradients: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class PartTrial:
    """A part, with networks and data it can work with, on a side."""

    part: Part
    setting: Setting
    side: Side

    @property
    def what(self) -> str:
        """What the part gives, in words."""
        return "result" if isinstance(self.part, Augmentation) else "value"

    @property
    def where(self) -> str:
        """The side and the samples, in words."""
        both = isinstance(self.part, AuxiliaryLoss) and len(self.part.sides) > 1
        side = f"on the {self.side}'s side " if both else ""
        condition = self.setting.condition
        told = "" if condition is None else f" and {condition.kind}"
        translated = " with sources" if self.setting.data.source else ""
        return f"{side}for samples {self.setting.data.sample_shape}{told}{translated}"

    def build(self, seed: int = 0) -> Callable[..., torch.Tensor]:
        """Build the part."""
        torch.manual_seed(seed)
        if isinstance(self.part, AuxiliaryLoss):
            built: Any = self.part.build(self.setting)
        else:
            built = self.part.build()
        return built.train() if isinstance(built, nn.Module) else built

    def play(self, seed: int = 0, scale: float = 1.0, *, declared_only: bool = False) -> Play:
        """Take the step up to where the part comes in.

        Args:
            seed: of networks, samples and noise.
            scale: factor on the discriminator's weights; some penalties cost nothing on a flat one.
            declared_only: whether real and fake samples require a gradient only where it is declared.
        """
        part, setting, on_discriminator = self.part, self.setting, self.side != "generator"
        torch.manual_seed(seed)
        rng = torch.Generator().manual_seed(seed)
        real = torch.rand(BATCH, *setting.data.sample_shape, generator=rng) * 2 - 1
        if isinstance(part, Augmentation):
            real.requires_grad_()
            return Play((real, rng), [real], [real])
        condition = conditions(None if setting.condition is None else setting.condition.kind)
        discriminator, generator, latents = _networks(setting, scale, rng)
        noise = (rng,) if getattr(setting.generator, "uses_noise", False) else ()
        needed: Any = {"real", "fake"}
        if declared_only and isinstance(part, Regularizer):
            needed = part.needs_gradient

        def generate(z: torch.Tensor, told: torch.Tensor | None) -> torch.Tensor:
            samples: torch.Tensor = generator(z, told, *noise)
            return samples

        def discriminate(samples: torch.Tensor) -> DiscriminatorOutput:
            output = discriminator(samples, condition)
            rich = isinstance(output, DiscriminatorOutput)
            return output if rich else DiscriminatorOutput(output)

        trained, fixed = discriminator, generator
        if not on_discriminator:
            trained, fixed = generator, discriminator
        fixed.requires_grad_(False)
        fake = generate(latents, condition)
        if on_discriminator:
            real.requires_grad_("real" in needed)
            fake = fake.detach().requires_grad_("fake" in needed)
        play = Play((), list(trained.parameters()), [real, fake])
        with_real = on_discriminator or getattr(part, "needs_real", False)

        def differentiate(output: DiscriminatorOutput, samples: torch.Tensor) -> torch.Tensor:
            play.gradients |= {name for name in ("real", "fake") if samples is given[name]}
            return input_gradient(output, samples)

        given: dict[str, Any] = {
            "side": self.side,
            "fake": fake,
            "real": real,
            "fake_output": discriminate(fake),
            "real_output": discriminate(real) if with_real else None,
            "condition": condition,
            "latents": latents,
            "discriminator": discriminate,
            "generator": generate,
            "differentiate": differentiate,
            "rng": rng,
        }
        if isinstance(part, AuxiliaryLoss):
            for name in ("fake_output", "real_output"):
                given[name] = given[name] and _only(given[name], part.needs)
            given["source"] = torch.rand_like(real) * 2 - 1 if setting.data.source else None
        play.inputs = (LossInputs(**given),)
        return play


def _networks(
    setting: Setting, scale: float, rng: torch.Generator
) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """Build discriminator and generator, and draw latents."""
    data, condition, adversary = setting.data, setting.condition, setting.discriminator
    assert setting.generator is not None  # settings here have all networks
    assert setting.latent is not None  # as above
    packed = adversary.packed_shape(data.sample_shape)
    discriminator = parametrized(adversary.build(packed, condition), adversary)
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.mul_(scale)
    generator = setting.generator.build(setting.latent.dim, data.sample_shape, condition)
    latents = setting.latent.build()(BATCH, rng).detach()
    return discriminator, parametrized(generator, setting.generator), latents


def _only(output: DiscriminatorOutput, needs: frozenset[str]) -> DiscriminatorOutput:
    """Return an output of which everything is missing but logits and what is needed."""
    kept = {name: getattr(output, name) for name in needs if name != "logits"}
    return DiscriminatorOutput(output.logits, **kept)


def _trials(part: Part, options: Options) -> Iterator[PartTrial]:
    sides: tuple[Side, ...] = ("discriminator",)
    if isinstance(part, AuxiliaryLoss):
        sides = tuple(sorted(part.sides))
    elif isinstance(part, Regularizer):
        sides = (part.side,)
    known = sides and set(sides) <= {"discriminator", "generator"}
    require(known, f"the sides are {sides}; they must be 'discriminator', 'generator' or both")
    for setting in settings(part, options):
        yield from (PartTrial(part, setting, side) for side in sides)


@for_each(_trials)
def check_output(part: Part, trial: PartTrial) -> None:
    """A term is a finite float32 scalar, augmented samples keep their shape; inputs stay as they are.

    Of the discriminator's output, an auxiliary loss is given nothing but logits and what it ``needs``.
    """
    unknown = few(sorted(getattr(part, "needs", frozenset()) - {"logits", *EVERYTHING}))
    require(not unknown, f"'needs' names {unknown}, which a DiscriminatorOutput does not have")
    play = trial.play()
    before = [each.detach().clone() for each in play.tensors]
    value = trial.build()(*play.inputs)
    shape = tuple(before[0].shape) if isinstance(part, Augmentation) else ()
    require_tensor(value, f"the {trial.what}", shape)
    require(all(map(torch.equal, play.tensors, before)), "samples are changed in place")


@for_each(_trials)
def check_gradients(part: Part, trial: PartTrial) -> None:
    """A finite gradient other than 0 reaches the network of each side, or the augmented samples."""
    reached = False
    for seed, scale in ((0, 1.0), (0, 10.0), (1, 0.1)):
        play, built = trial.play(seed, scale), trial.build()
        value = built(*play.inputs)
        if value.requires_grad:
            torch.autograd.backward((value * torch.randn_like(value)).sum())
        own = built.parameters() if isinstance(built, nn.Module) else ()
        found = [each.grad for each in (*play.watched, *own) if each.grad is not None]
        require(all(each.isfinite().all() for each in found), "gradients are not finite")
        reached |= any(each.grad is not None and bool(each.grad.any()) for each in play.watched)
    reader = "samples" if isinstance(part, Augmentation) else trial.side
    hint = " (gradients by samples need create_graph=True)" if isinstance(part, Regularizer) else ""
    require(reached, f"no gradient reaches the {reader}{hint}")


@for_each(_trials, most=2)
def check_random_source(part: Part, trial: PartTrial) -> None:
    """What is random follows from the random source that is handed over."""

    def draw(rng: torch.Generator) -> torch.Tensor:
        elsewhere = torch.get_rng_state()
        play, built = trial.play(), trial.build()
        given = play.inputs[-1] if isinstance(part, Augmentation) else play.inputs[0].rng
        given.set_state(rng.get_state())
        torch.set_rng_state(elsewhere)
        return built(*play.inputs).detach()

    require_from_rng(draw, f"{trial.what}s", varies=False)


@for_each(_trials, most=2)
def check_state(trial: PartTrial) -> None:
    """All that changes from one step to the next is in the state dict of the module that is built."""
    built, fresh = trial.build(0), trial.build(1)
    for seed in range(3):
        _step(trial, built, seed)
    if isinstance(built, nn.Module) and isinstance(fresh, nn.Module):
        fresh.load_state_dict(load(to_safetensors(built.state_dict(), {"by": "ganzoo.testing"})))
    for seed in (4, 5):
        require(
            same(_step(trial, built, seed), _step(trial, fresh, seed)),
            f"after its state dict was saved and loaded, the {trial.what} is another; what changes from"
            " step to step must be in buffers of an nn.Module",
        )


@for_each(_trials, most=2)
def check_weight(part: AuxiliaryLoss | Regularizer, trial: PartTrial) -> None:
    """What is built leaves ``weight`` and ``every`` to the algorithm."""
    changes: dict[str, Any] = {"weight": Constant(value=123.0)}
    if isinstance(part, Regularizer):
        changes["every"] = part.every + 1
    heavy = replace(trial, part=part.model_copy(update=changes))
    values = [each.build()(*each.play().inputs).item() for each in (trial, heavy)]
    require(
        values[0] == values[1],
        "the value changes with 'weight' or 'every', which the algorithm applies",
    )


@for_each(_trials)
def check_needs_gradient(part: Regularizer, trial: PartTrial) -> None:
    """``needs_gradient`` names the samples at which the gradient of logits is used, and no others."""
    play = trial.play()
    trial.build()(*play.inputs)
    used, declared = few(sorted(play.gradients)), few(sorted(part.needs_gradient))
    require(
        used == declared,
        f"the gradients used are at {used or 'no'} samples, and 'needs_gradient' names"
        f" {declared or 'none'}",
    )
    require(
        part.side == "discriminator" or "real" not in part.needs_gradient,
        "'needs_gradient' names real samples, of which the generator's side has no pass",
    )
    trial.build()(*trial.play(declared_only=True).inputs)


@for_each(_trials)
def check_observes(part: Augmentation, trial: PartTrial) -> None:
    """Where ``observes`` is true there is a method ``observe``, whose effect is in buffers."""
    built: Any = trial.build()
    there = callable(getattr(built, "observe", None))
    require(
        there == part.observes,
        f"'observes' is {part.observes}, and there is {'a' if there else 'no'} method 'observe'",
    )
    if not part.observes:
        return
    require(isinstance(built, nn.Module), "what observes is not an nn.Module")
    before = {name: each.clone() for name, each in built.state_dict().items()}
    for seed in range(50):
        for name, number in _observe(built, seed, 5.0).items():
            require_tensor(number, f"number {name!r} that 'observe' gives", (), dtype=None)
    require(
        any(not same(each, before[name]) for name, each in built.state_dict().items()),
        "50 calls of 'observe' with high logits change no buffer",
    )
    twin: Any = trial.build()
    twin.load_state_dict(built.state_dict())
    for seed in range(8):
        numbers, others = (_observe(each, seed, -5.0) for each in (built, twin))
        require(
            all(same(number, others[name]) for name, number in numbers.items()),
            "after 50 calls of 'observe', what it gives depends on more than the state dict holds",
        )


def _step(trial: PartTrial, built: Callable[..., torch.Tensor], seed: int) -> torch.Tensor:
    """Use a part once, as a step of training does."""
    if isinstance(trial.part, Augmentation) and trial.part.observes:
        for number in range(8):  # strengths are adjusted every few batches
            _observe(built, seed * 8 + number, 1.0)
    return built(*trial.play(seed).inputs).detach()


def _observe(built: Any, seed: int, mean: float) -> dict[str, torch.Tensor]:
    logits = torch.randn(BATCH, generator=torch.Generator().manual_seed(seed)) + mean
    numbers: dict[str, torch.Tensor] = built.observe(logits)
    kind = type(numbers).__name__
    require(isinstance(numbers, dict), f"'observe' gives a {kind}; it must give a dict of numbers")
    return numbers
