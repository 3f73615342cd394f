"""Checks of what networks minimize: auxiliary losses, regularizers, augmentations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import torch
from torch import nn

from ganzoo.builtin.losses import BCE
from ganzoo.builtin.schedules import Constant
from ganzoo.components import (
    Augmentation,
    AuxiliaryLoss,
    DiscriminatorOutput,
    Regularizer,
    Setting,
    Side,
)
from ganzoo.nn import parametrized
from ganzoo.training import AdversarialBatch, Adversary, Batch, Training, TrainingContext
from ganzoo_devkit.testing.checks import (
    Options,
    check,
    few,
    passes,
    require,
    require_from_rng,
    require_tensor,
    require_type,
    same,
)
from ganzoo_devkit.testing.modules import through_a_file
from ganzoo_devkit.testing.trials import (
    BATCH,
    EVERYTHING,
    KINDS,
    conditions,
    setting_of,
    uses_noise,
)

Part = AuxiliaryLoss | Regularizer | Augmentation
PARTS = (AuxiliaryLoss, Regularizer, Augmentation)


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


@dataclass
class Use:
    """One use of a part in training.

    Attributes:
        inputs: what the part is given.
        rng: the random source among them.
        samples: the samples among them.
        watched: to which a gradient must flow: the weights of the side's network, or samples.
        gradients: samples at which the gradient of logits was asked for.
    """

    inputs: tuple[Any, ...]
    rng: torch.Generator
    samples: Sequence[torch.Tensor]
    watched: Sequence[torch.Tensor]
    gradients: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class PartTrial:
    """A part, with networks and data it can work with, on a side."""

    part: Any
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
        condition, data = self.setting.condition, self.setting.data
        told = "" if condition is None else f" and {condition.kind}"
        translated = " with sources" if data.source else ""
        return f"{side}for samples {data.sample_shape}{told}{translated}"

    def build(self, seed: int = 0) -> Any:
        """Build the part: a function, or a module in training."""
        torch.manual_seed(seed)
        given = (self.setting,) if isinstance(self.part, AuxiliaryLoss) else ()
        built = self.part.build(*given)
        return built.train() if isinstance(built, nn.Module) else built

    def use(self, seed: int = 0, scale: float = 1.0, *, declared_only: bool = False) -> Use:
        """Take a step of training, with something in the part's place that notes what it is given.

        The discriminator's weights are multiplied by ``scale``, since some penalties cost nothing on a
        flat one. Samples require a gradient, or only where it is declared.
        """
        torch.manual_seed(seed)
        rng = torch.Generator().manual_seed(seed)
        real = torch.rand(BATCH, *self.setting.data.sample_shape, generator=rng) * 2 - 1
        if isinstance(self.part, Augmentation):
            return Use((real.requires_grad_(), rng), rng, [real], [real])
        note = mock.Mock(return_value=torch.zeros(()))
        instead: dict[str, Any] = {"build": lambda *_: note}
        if isinstance(self.part, Regularizer) and not declared_only:
            instead["needs_gradient"] = frozenset({"real", "fake"})
        with mock.patch.multiple(type(self.part), **instead):
            trained = self._step(real, scale, rng)
        (given,) = note.call_args.args
        use = Use((given,), rng, [given.real, given.fake], list(trained.parameters()))
        if isinstance(self.part, AuxiliaryLoss):
            outputs = {name: getattr(given, name) for name in ("fake_output", "real_output")}
            bare = {name: each and _only(each, self.part.needs) for name, each in outputs.items()}
            use.inputs = (replace(given, **bare),)
            return use

        def differentiate(output: DiscriminatorOutput, samples: torch.Tensor) -> torch.Tensor:
            use.gradients |= {name for name in ("real", "fake") if samples is getattr(given, name)}
            gradient: torch.Tensor = given.differentiate(output, samples)
            return gradient

        use.inputs = (replace(given, differentiate=differentiate),)
        return use

    def _step(self, real: torch.Tensor, scale: float, rng: torch.Generator) -> nn.Module:
        """Take a step up to the loss of the side, and return its network."""
        setting = self.setting
        kind = None if setting.condition is None else setting.condition.kind
        assert setting.generator is not None  # settings here have all networks
        assert setting.latent is not None  # as above
        context = TrainingContext(Training(), torch.device("cpu"), torch.float32, rng)
        field = "auxiliary_losses" if isinstance(self.part, AuxiliaryLoss) else "regularizers"
        terms: dict[str, Any] = {field: [self.part]}
        adversary = Adversary(context, setting, loss=BCE(), **terms)
        with torch.no_grad():
            for parameter in adversary.network.parameters():
                parameter.mul_(scale)
        shape, noise = setting.data.sample_shape, (rng,) if uses_noise(setting.generator) else ()
        built = setting.generator.build(setting.latent.dim, shape, setting.condition)
        generator = parametrized(built, setting.generator)
        batch = AdversarialBatch.of(
            Batch(real, conditions(kind), torch.rand_like(real) if setting.data.source else None),
            lambda z, condition: generator(z, condition, *noise),
            setting.latent.build(),
            context,
        )
        getattr(adversary, f"{self.side}_loss")(batch, 0, 0.0)
        return adversary.network if self.side == "discriminator" else generator


def _only(output: DiscriminatorOutput, needs: frozenset[str]) -> DiscriminatorOutput:
    """Return an output of which everything is missing but logits and what is needed."""
    return DiscriminatorOutput(**{name: getattr(output, name) for name in {"logits", *needs}})


def _trials(part: Part, options: Options) -> Iterator[PartTrial]:
    sides: tuple[Any, ...] = ("discriminator",)
    if isinstance(part, AuxiliaryLoss):
        sides = tuple(sorted(part.sides))
    elif isinstance(part, Regularizer):
        sides = (part.side,)
    known = sides and set(sides) <= {"discriminator", "generator"}
    require(known, f"the sides are {sides}; they must be 'discriminator', 'generator' or both")
    for setting in settings(part, options):
        yield from (PartTrial(part, setting, side) for side in sides)


@check(*PARTS, each=_trials)
def check_output(part: Part, trial: PartTrial) -> None:
    """A term is a finite float32 scalar, augmented samples keep their shape; inputs stay as they are.

    Of the discriminator's output, an auxiliary loss is given nothing but logits and what it ``needs``.
    """
    unknown = few(sorted(getattr(part, "needs", frozenset()) - {"logits", *EVERYTHING}))
    require(not unknown, f"'needs' names {unknown}, which a DiscriminatorOutput does not have")
    use = trial.use()
    before = [each.detach().clone() for each in use.samples]
    value = trial.build()(*use.inputs)
    shape = tuple(before[0].shape) if isinstance(part, Augmentation) else ()
    require_tensor(value, f"the {trial.what}", shape)
    require(all(map(torch.equal, use.samples, before)), "samples are changed in place")


@check(*PARTS, each=_trials)
def check_gradients(part: Part, trial: PartTrial) -> None:
    """A finite gradient other than 0 reaches the network of each side, or the augmented samples."""
    reached = False
    for seed, scale in ((0, 1.0), (0, 10.0), (1, 0.1)):
        use, built = trial.use(seed, scale), trial.build()
        value = built(*use.inputs)
        if value.requires_grad:
            torch.autograd.backward((value * torch.randn_like(value)).sum())
        own = built.parameters() if isinstance(built, nn.Module) else ()
        found = [each.grad for each in (*use.watched, *own) if each.grad is not None]
        require(all(each.isfinite().all() for each in found), "gradients are not finite")
        reached |= any(each.grad is not None and bool(each.grad.any()) for each in use.watched)
    reader = "samples" if isinstance(part, Augmentation) else trial.side
    hint = " (gradients by samples need create_graph=True)" if isinstance(part, Regularizer) else ""
    require(reached, f"no gradient reaches the {reader}{hint}")


@check(*PARTS, each=_trials, most=2)
def check_random_source(trial: PartTrial) -> None:
    """What is random follows from the random source that is handed over."""

    def draw(rng: torch.Generator) -> torch.Tensor:
        elsewhere = torch.get_rng_state()
        use, built = trial.use(), trial.build()
        use.rng.set_state(rng.get_state())
        torch.set_rng_state(elsewhere)
        drawn: torch.Tensor = built(*use.inputs).detach()
        return drawn

    require_from_rng(draw, f"{trial.what}s", varies=False)


@check(*PARTS, each=_trials, most=2)
def check_state(trial: PartTrial) -> None:
    """All that changes from one step to the next is in the state dict of the module that is built."""
    built, fresh = trial.build(0), trial.build(1)
    for seed in range(3):
        _step(trial, built, seed)
    if isinstance(built, nn.Module):
        fresh.load_state_dict(through_a_file(built))
    kept = all(same(_step(trial, built, seed), _step(trial, fresh, seed)) for seed in (4, 5))
    require(
        kept,
        f"after its state dict was saved and loaded, the {trial.what} is another; what changes from"
        " step to step must be in buffers of an nn.Module",
    )


@check(AuxiliaryLoss, Regularizer, each=_trials, most=2)
def check_weight(part: AuxiliaryLoss | Regularizer, trial: PartTrial) -> None:
    """What is built leaves ``weight`` and ``every`` to the algorithm."""
    changes: dict[str, Any] = {"weight": Constant(value=123.0)}
    if isinstance(part, Regularizer):
        changes["every"] = part.every + 1
    heavy = replace(trial, part=part.model_copy(update=changes))
    one, other = (each.build()(*each.use().inputs).item() for each in (trial, heavy))
    wrong = "the value changes with 'weight' or 'every', which the algorithm applies"
    require(one == other, wrong)


@check(Regularizer, each=_trials)
def check_needs_gradient(part: Regularizer, trial: PartTrial) -> None:
    """``needs_gradient`` names the samples at which the gradient of logits is used, and no others."""
    use = trial.use()
    trial.build()(*use.inputs)
    used, declared = few(sorted(use.gradients)), few(sorted(part.needs_gradient))
    at, names = f"at {used or 'no'} samples", declared or "none"
    require(used == declared, f"the gradients used are {at}, and 'needs_gradient' names {names}")
    passed = part.side == "discriminator" or "real" not in part.needs_gradient
    none = "'needs_gradient' names real samples, of which the generator's side has no pass"
    require(passed, none)
    trial.build()(*trial.use(declared_only=True).inputs)


@check(Augmentation, each=_trials)
def check_observes(part: Augmentation, trial: PartTrial) -> None:
    """Where ``observes`` is true there is a method ``observe``, whose effect is in buffers."""
    built = trial.build()
    there = callable(getattr(built, "observe", None))
    found = f"there is {'a' if there else 'no'} method 'observe'"
    require(there == part.observes, f"'observes' is {part.observes}, and {found}")
    if not part.observes:
        return
    require(isinstance(built, nn.Module), "what observes is not an nn.Module")
    before = {name: each.clone() for name, each in built.state_dict().items()}
    for seed in range(50):
        for name, number in _observe(built, seed, 5.0).items():
            require_tensor(number, f"number {name!r} that 'observe' gives", (), dtype=None)
    moved = any(not same(each, before[name]) for name, each in built.state_dict().items())
    require(moved, "50 calls of 'observe' with high logits change no buffer")
    twin = trial.build()
    twin.load_state_dict(built.state_dict())
    for seed in range(8):
        numbers, others = (_observe(each, seed, -5.0) for each in (built, twin))
        require(
            all(same(number, others[name]) for name, number in numbers.items()),
            "after 50 calls of 'observe', what it gives depends on more than the state dict holds",
        )


@check(Augmentation, each=_trials)
def check_mixes(part: Augmentation, trial: PartTrial) -> None:
    """Where ``mixes`` is true there is a method ``mix``, whose result has the shape of real samples."""
    built = trial.build()
    there = callable(getattr(built, "mix", None))
    found = f"there is {'a' if there else 'no'} method 'mix'"
    require(there == part.mixes, f"'mixes' is {part.mixes}, and {found}")
    if part.mixes:
        use = trial.use()
        real = use.samples[0].detach()
        require_tensor(built.mix(real, -real, use.rng), "what 'mix' gives", tuple(real.shape))


def _step(trial: PartTrial, built: Any, seed: int) -> torch.Tensor:
    """Use a part once, as a step of training does."""
    if isinstance(trial.part, Augmentation) and trial.part.observes:
        for number in range(8):  # strengths are adjusted every few batches
            _observe(built, seed * 8 + number, 1.0)
    result: torch.Tensor = built(*trial.use(seed).inputs).detach()
    return result


def _observe(built: Any, seed: int, mean: float) -> dict[str, torch.Tensor]:
    logits = torch.randn(BATCH, generator=torch.Generator().manual_seed(seed)) + mean
    numbers: dict[str, torch.Tensor] = built.observe(logits)
    require_type(numbers, dict, "'observe'")
    return numbers
