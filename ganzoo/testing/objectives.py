"""Checks of what networks minimize: losses, auxiliary losses, regularizers, augmentations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors.torch import load
from torch import nn

from ganzoo.builtin.latents import Normal
from ganzoo.builtin.schedules import Constant
from ganzoo.components import (
    AdversarialLoss,
    Augmentation,
    AuxiliaryInputs,
    AuxiliaryLoss,
    ConditionKind,
    DatasetInfo,
    DiscriminatorOutput,
    Generator,
    Loss,
    Regularizer,
    RegularizerInputs,
    Setting,
    Side,
    space_of,
)
from ganzoo.nn import parametrized
from ganzoo.testing.checks import (
    DEFAULT,
    Options,
    check,
    few,
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


@dataclass(frozen=True)
class Scene:
    """Networks and data that a part of an algorithm can work with.

    Attributes:
        setting: the networks, which conditions they are told, and the data set.
        kind: of the conditions, or None.
    """

    setting: Setting
    kind: ConditionKind | None

    @property
    def where(self) -> str:
        """The samples, in words."""
        told = "" if self.kind is None else f" and {self.kind}"
        translated = " with sources" if self.setting.data.source else ""
        return f"for samples {self.setting.data.sample_shape}{told}{translated}"


def scenes(part: Part, options: Options) -> list[Scene]:
    """Return what the ``check`` of a part lets pass: each shape once, the first with all conditions."""
    found: list[Scene] = []
    for shape in options.sample_shapes:
        for kind, translated in [(None, False), *((kind, False) for kind in KINDS), (None, True)]:
            scene = scene_of(shape, kind, options, translated=translated)
            repeated = any(each.setting.data.sample_shape == shape for each in found)
            if (not repeated or len(found) < len(KINDS)) and passes(part.check, scene.setting):
                found.append(scene)
    require(
        found,
        f"'check' refuses samples {few(map(str, options.sample_shapes), 5)} with every kind of"
        " condition; it must accept something: name shapes in 'sample_shapes', networks in 'specs'",
    )
    return found


def scene_of(
    shape: tuple[int, ...],
    kind: ConditionKind | None,
    options: Options,
    *,
    translated: bool = False,
) -> Scene:
    """Return a scene with the networks that the options give, or tiny ones."""
    space = space_of(shape, "uint8" if len(shape) == 3 else "float32")
    condition, told = condition_of(kind), kind is not None
    given = options.spec
    setting = Setting(
        DatasetInfo(space, condition, space if translated else None),
        space,
        condition,
        given.get("discriminator", TinyDiscriminator(conditional=told, outputs=EVERYTHING)),
        given.get("generator", TinyGenerator(conditional=told)),
        given.get("latent", Normal(dim=LATENT)),
        BATCH,
    )
    return Scene(setting, kind)


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
    """A part, in a scene and on a side."""

    part: Part
    scene: Scene
    side: Side

    @property
    def where(self) -> str:
        """The side and the samples, in words."""
        both = isinstance(self.part, AuxiliaryLoss) and len(self.part.sides) > 1
        return f"on the {self.side}'s side {self.scene.where}" if both else self.scene.where

    def build(self, seed: int = 0) -> Callable[..., torch.Tensor]:
        """Build the part."""
        torch.manual_seed(seed)
        if isinstance(self.part, AuxiliaryLoss):
            built: Any = self.part.build(self.scene.setting)
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
        setting, side = self.scene.setting, self.side
        shape = setting.data.sample_shape
        torch.manual_seed(seed)
        rng = torch.Generator().manual_seed(seed)
        real = torch.rand(BATCH, *shape, generator=rng) * 2 - 1
        if isinstance(self.part, Augmentation):
            real.requires_grad_()
            return Play((real, rng), [real], [real])
        condition = conditions(self.scene.kind)
        discriminator, generator, latents = _networks(setting, scale, rng)
        needed: Any = {"real", "fake"}
        if declared_only and isinstance(self.part, Regularizer):
            needed = self.part.needs_gradient

        def generate(z: torch.Tensor, told: torch.Tensor | None) -> torch.Tensor:
            noise = (
                (rng,)
                if isinstance(setting.generator, Generator) and setting.generator.uses_noise
                else ()
            )
            samples: torch.Tensor = generator(z, told, *noise)
            return samples

        def judge(samples: torch.Tensor) -> DiscriminatorOutput:
            output = discriminator(samples, condition)
            return (
                output if isinstance(output, DiscriminatorOutput) else DiscriminatorOutput(output)
            )

        if side == "discriminator":
            generator.requires_grad_(False)
            real.requires_grad_("real" in needed)
            fake = generate(latents, condition).detach().requires_grad_("fake" in needed)
            watched = list(discriminator.parameters())
        else:
            discriminator.requires_grad_(False)
            fake = generate(latents, condition)
            watched = list(generator.parameters())
        play = Play(None, watched, [real, fake])
        with_real = side == "discriminator" or getattr(self.part, "needs_real", False)
        common: dict[str, Any] = {
            "fake": fake,
            "real": real,
            "fake_output": judge(fake),
            "real_output": judge(real) if with_real else None,
            "condition": condition,
            "latents": latents,
            "rng": rng,
        }
        if isinstance(self.part, AuxiliaryLoss):
            for name in ("fake_output", "real_output"):
                common[name] = common[name] and _only(common[name], self.part.needs)
            source = torch.rand_like(real) * 2 - 1 if setting.data.source else None
            play.inputs = (AuxiliaryInputs(side=side, source=source, **common),)
            return play

        def differentiate(output: DiscriminatorOutput, samples: torch.Tensor) -> torch.Tensor:
            play.gradients |= {name for name in ("real", "fake") if samples is common[name]}
            return input_gradient(output, samples)

        play.inputs = (
            RegularizerInputs(
                discriminator=judge, generator=generate, differentiate=differentiate, **common
            ),
        )
        return play


def _networks(
    setting: Setting, scale: float, rng: torch.Generator
) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """Build discriminator and generator, and draw latents."""
    assert setting.generator is not None  # scenes have all networks
    assert setting.latent is not None  # as above
    data, condition = setting.data, setting.condition
    packed = setting.discriminator.packed_shape(data.sample_shape)
    discriminator = parametrized(
        setting.discriminator.build(packed, condition), setting.discriminator
    )
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
    require(
        sides and set(sides) <= {"discriminator", "generator"},
        f"the sides are {sides}; they must be 'discriminator', 'generator' or both",
    )
    for scene in scenes(part, options):
        yield from (PartTrial(part, scene, side) for side in sides)


def _what(part: Part) -> str:
    return "result" if isinstance(part, Augmentation) else "value"


@check
def check_output(part: Part, options: Options = DEFAULT) -> None:
    """A term is a finite float32 scalar, augmented samples keep their shape; inputs stay as they are.

    Of the discriminator's output, an auxiliary loss is given nothing but logits and what it ``needs``.
    """
    for trial in _trials(part, options):
        play = trial.play()
        before = [each.detach().clone() for each in play.tensors]
        value = trial.build()(*play.inputs)
        shape = tuple(before[0].shape) if isinstance(part, Augmentation) else ()
        require_tensor(value, f"the {_what(part)} {trial.where}", shape)
        require(
            all(map(torch.equal, play.tensors, before)),
            f"samples are changed in place {trial.where}; they must stay as they are",
        )


@check
def check_gradients(part: Part, options: Options = DEFAULT) -> None:
    """A finite gradient other than 0 reaches the network of each side, or the augmented samples."""
    for trial in _trials(part, options):
        reached = False
        for seed, scale in ((0, 1.0), (0, 10.0), (1, 0.1)):
            play, built = trial.play(seed, scale), trial.build()
            value = built(*play.inputs)
            if value.requires_grad:
                torch.autograd.backward((value * torch.randn_like(value)).sum())
            own = built.parameters() if isinstance(built, nn.Module) else ()
            found = [each.grad for each in (*play.watched, *own) if each.grad is not None]
            require(
                all(each.isfinite().all() for each in found),
                f"gradients are not finite {trial.where}; they must be",
            )
            reached |= any(each.grad is not None and bool(each.grad.any()) for each in play.watched)
        reader = "the samples" if isinstance(part, Augmentation) else f"the {trial.side}"
        require(
            reached,
            f"no gradient reaches {reader} {trial.where}; the {_what(part)} must depend on it"
            " differentiably (gradients by samples need create_graph=True), or name the other side",
        )


@check
def check_random_source(part: Part, options: Options = DEFAULT) -> None:
    """What is random follows from the random source that is handed over."""
    for trial in list(_trials(part, options))[:2]:

        def draw(rng: torch.Generator, trial: PartTrial = trial) -> torch.Tensor:
            elsewhere = torch.get_rng_state()
            play, built = trial.play(), trial.build()
            given = play.inputs[-1] if isinstance(part, Augmentation) else play.inputs[0].rng
            given.set_state(rng.get_state())
            torch.set_rng_state(elsewhere)
            return built(*play.inputs).detach()

        require_from_rng(draw, f"{_what(part)}s {trial.where}", varies=False)


@check
def check_state(part: Part, options: Options = DEFAULT) -> None:
    """All that changes from one step to the next is in the state dict of the module that is built."""
    for trial in list(_trials(part, options))[:2]:
        built, fresh = trial.build(0), trial.build(1)
        for seed in range(3):
            _step(trial, built, seed)
        if isinstance(built, nn.Module) and isinstance(fresh, nn.Module):
            fresh.load_state_dict(
                load(to_safetensors(built.state_dict(), {"by": "ganzoo.testing"}))
            )
        for seed in (4, 5):
            require(
                same(_step(trial, built, seed), _step(trial, fresh, seed)),
                f"after its state dict was saved and loaded, the {_what(part)} {trial.where} is another;"
                " what changes from step to step must be in buffers of an nn.Module",
            )


@check
def check_weight(part: AuxiliaryLoss | Regularizer, options: Options = DEFAULT) -> None:
    """What is built leaves ``weight`` and ``every`` to the algorithm."""
    changes: dict[str, Any] = {"weight": Constant(value=123.0)}
    if isinstance(part, Regularizer):
        changes["every"] = part.every + 1
    for trial in list(_trials(part, options))[:2]:
        heavy = PartTrial(part.model_copy(update=changes), trial.scene, trial.side)
        values = [each.build()(*each.play().inputs).item() for each in (trial, heavy)]
        require(
            values[0] == values[1],
            "the value changes with 'weight' or 'every'; the algorithm applies these, so it must not",
        )


@check
def check_needs(part: AuxiliaryLoss) -> None:
    """``needs`` names attributes of a ``DiscriminatorOutput``."""
    unknown = sorted(part.needs - {"logits", *EVERYTHING})
    require(
        not unknown, f"'needs' names {few(unknown)}; a DiscriminatorOutput has no such attribute"
    )


@check
def check_needs_gradient(part: Regularizer, options: Options = DEFAULT) -> None:
    """``needs_gradient`` names the samples at which the gradient of logits is used, and no others."""
    for trial in _trials(part, options):
        play = trial.play()
        trial.build()(*play.inputs)
        used, declared = sorted(play.gradients), sorted(part.needs_gradient)
        require(
            used == declared,
            f"the gradients used are at {few(used) or 'no'} samples, and 'needs_gradient' names"
            f" {few(declared) or 'none'} {trial.where}; it must name what is used",
        )
        require(
            part.side == "discriminator" or "real" not in declared,
            "'needs_gradient' names real samples, of which the generator's side has no pass",
        )
        play = trial.play(declared_only=True)
        trial.build()(*play.inputs)


@check
def check_observes(part: Augmentation, options: Options = DEFAULT) -> None:
    """Where ``observes`` is true there is a method ``observe``, whose effect is in buffers."""
    for trial in _trials(part, options):
        built = trial.build()
        observe = getattr(built, "observe", None)
        require(
            callable(observe) == part.observes,
            f"'observes' is {part.observes}, and there is {'a' if observe else 'no'} method 'observe';"
            " they must agree",
        )
        if not part.observes:
            return
        require(isinstance(built, nn.Module), "what observes is not an nn.Module; it must be one")
        assert isinstance(built, nn.Module)  # for the type checker
        before = {name: each.clone() for name, each in built.state_dict().items()}
        for seed in range(50):
            for name, number in _observe(built, seed, 5.0).items():
                require_tensor(number, f"number {name!r} that 'observe' gives", (), dtype=None)
        require(
            any(not same(each, before[name]) for name, each in built.state_dict().items()),
            "50 calls of 'observe' with high logits change no buffer; the strength must be in one",
        )


def _step(trial: PartTrial, built: Callable[..., torch.Tensor], seed: int) -> torch.Tensor:
    """Use a part once, as a step of training does."""
    if isinstance(trial.part, Augmentation) and trial.part.observes:
        for number in range(8):  # strengths are adjusted every few batches
            _observe(built, seed * 8 + number, 1.0)
    return built(*trial.play(seed).inputs).detach()


def _observe(built: Any, seed: int, mean: float) -> dict[str, torch.Tensor]:
    logits = torch.randn(BATCH, generator=torch.Generator().manual_seed(seed)) + mean
    numbers = built.observe(logits)
    require(
        isinstance(numbers, dict),
        f"'observe' gives a {type(numbers).__name__}; it must give numbers to log by name, or {{}}",
    )
    found: dict[str, torch.Tensor] = numbers
    return found


Sides = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@check
def check_sides(loss: Loss) -> None:
    """Both sides are float32 scalars, also of patches, the same for the same logits, which stay."""
    for shape in ((2,), (5,), (4, 1, 3, 3)):
        real, fake = _logits(*shape)
        for name, side in _sides(loss).items():
            before = real.clone(), fake.clone()
            value, again = side(real, fake), side(real, fake)
            require_tensor(value, f"the {name}'s side of logits {shape}", ())
            require(
                torch.equal(value, again),
                f"the {name}'s side gives {value.item()}, then {again.item()} for the same logits; it"
                " must be a pure function",
            )
            require(
                torch.equal(real, before[0]) and torch.equal(fake, before[1]),
                f"the {name}'s side changes its logits in place; they must stay as they are",
            )


@check
def check_extremes(loss: Loss) -> None:
    """Values and gradients are finite for logits of 10,000, of either sign."""
    for name, side in _sides(loss).items():
        for signs in itertools.product((-1e4, 1e4), repeat=2):
            logits = [torch.full((3,), sign, requires_grad=True) for sign in signs]
            value = side(logits[0], logits[1])
            if value.requires_grad:
                torch.autograd.backward(value)
            found = [value, *(each.grad for each in logits if each.grad is not None)]
            require(
                all(each.isfinite().all() for each in found),
                f"the {name}'s side or its gradient is not finite at real logits of {signs[0]:g} and"
                f" fake ones of {signs[1]:g}; use softplus or logsigmoid instead of a logarithm of a"
                " sigmoid",
            )


@check
def check_directions(loss: Loss) -> None:
    """Where the discriminator is wrong it learns to tell; where it is right the generator learns.

    High logits mean real. Logits of 0.5 in magnitude are within the margins of all usual losses.
    """
    sides = _sides(loss)
    low, high = -0.5 + 0.1 * torch.rand(6), 0.5 + 0.1 * torch.rand(6)
    by_real, by_fake = _rises(sides["discriminator"], low, high)
    for what, rise, right in (("real", by_real, by_real < 0), ("fake", by_fake, by_fake > 0)):
        require(
            right,
            f"the discriminator's side changes by {rise:.3g} where logits of {what} samples rise; it"
            f" must {'fall' if what == 'real' else 'rise'}, since high logits mean real",
        )
    _, by_fake = _rises(sides["generator"], high, low)
    require(
        by_fake < 0,
        f"the generator's side changes by {by_fake:.3g} where logits of fake samples rise; it must"
        " fall, since the generator wants them to pass for real",
    )


@check
def check_gradcheck(loss: Loss) -> None:
    """In double precision the gradients are those of finite differences."""
    for name, side in _sides(loss).items():
        logits = tuple(each.double().requires_grad_() for each in _logits(5))
        require(
            torch.autograd.gradcheck(side, logits, raise_exception=False),
            f"the gradient of the {name}'s side is not that of finite differences; derive it again,"
            " or leave it to autograd",
        )


@check
def check_weights(loss: Loss) -> None:
    """What is built leaves ``discriminator_weight`` and ``generator_weight`` to the algorithm."""
    names = ("discriminator_weight", "generator_weight")
    heavy = loss.model_copy(update={name: 2 * getattr(loss, name) for name in names})
    real, fake = _logits(5)
    for (name, side), other in zip(_sides(loss).items(), _sides(heavy).values(), strict=True):
        require(
            torch.equal(side(real, fake), other(real, fake)),
            f"the {name}'s side changes with '{name}_weight'; the algorithm applies that, so it must"
            " not",
        )


def _sides(loss: Loss) -> dict[str, Sides]:
    """Return both sides as functions of real and fake logits, called as an algorithm calls them."""
    built = loss.build()
    require(
        isinstance(built, AdversarialLoss),
        f"'build' returns a {type(built).__name__}; it must be an AdversarialLoss",
    )
    needs_real = built.generator_needs_real
    return {
        "discriminator": built.discriminator,
        "generator": lambda real, fake: built.generator(fake, real if needs_real else None),
    }


def _logits(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=rng), torch.randn(shape, generator=rng)


def _rises(side: Sides, real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float]:
    """Return the change of a side where all real, or all fake, logits rise."""
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    torch.autograd.backward(side(real, fake))
    sums = [0.0 if each.grad is None else each.grad.sum().item() for each in (real, fake)]
    return sums[0], sums[1]
