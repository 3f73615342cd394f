"""A loss, penalty, augmentation, optimizer or schedule broken in one way is caught by one check."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import pytest
import torch
import torch.nn.functional as F

from ganzoo.builtin.optimizers import SGD
from ganzoo.components import (
    AdversarialLoss,
    Augmentation,
    AuxiliaryLoss,
    Loss,
    Regularizer,
    Schedule,
    component_field,
)

Side = Callable[..., Any]


def fooled(fake, real):
    return F.softplus(-fake).mean()


def told(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


class Formula(Loss):
    """Both sides are given by a subclass."""

    type: Literal["broken"] = "broken"
    sides: ClassVar[tuple[Side, Side]] = (told, fooled)

    def build(self):
        return AdversarialLoss(*self.sides)


class Unreduced(Formula):
    """Gives a number for each sample."""

    sides = (told, lambda fake, real: F.softplus(-fake).mean().expand(1))


class Naive(Formula):
    """Takes the logarithm of a sigmoid."""

    sides = (
        lambda real, fake: -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()),
        fooled,
    )


class Upside(Formula):
    """Wants high logits for fake samples."""

    sides = (lambda real, fake: told(fake, real), fooled)


class Helpful(Formula):
    """Its generator helps the discriminator."""

    sides = (told, lambda fake, real: F.softplus(fake).mean())


class Cut(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient / 2


class HalfGradient(Formula):
    """Half the gradient is lost."""

    sides = (told, lambda fake, real: Cut.apply(F.softplus(-fake).mean()))


class Weighted(Formula):
    """Applies a weight that the game applies too."""

    def build(self):
        return AdversarialLoss(
            lambda real, fake: self.discriminator_weight * told(real, fake), fooled
        )


class NeedsReal(Formula):
    """Asks for logits of real samples that it does not say it needs."""

    sides = (told, lambda fake, real: F.softplus(real - fake).mean())


def slope(inputs, create_graph=True):
    gradients = inputs.gradient_at(inputs.real)
    if not create_graph:
        gradients = gradients.detach()
    return gradients.square().sum() / len(gradients)


class Penalising(Regularizer):
    """A penalty that is given by a subclass."""

    type: Literal["broken"] = "broken"
    penalty: ClassVar[Side] = staticmethod(slope)

    def build(self):
        return type(self).penalty


class Reusing(Penalising):
    """Uses the gradient at real samples from the pass that the loss made."""

    needs_gradient: ClassVar[Any] = frozenset({"real"})
    penalty = staticmethod(lambda inputs: inputs.real_gradient.square().sum(1).mean())


class Undeclared(Penalising):
    """Does not say that it uses that gradient."""

    penalty = Reusing.penalty


class Overdeclared(Reusing):
    """Says that it uses the gradient at fake samples too."""

    needs_gradient: ClassVar[Any] = frozenset({"real", "fake"})


class PathLength(Penalising):
    """Keeps the generator's slope near its running mean, in a module with a buffer."""

    side: ClassVar[Any] = "generator"

    def build(self):
        return Lengths()


class Lengths(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs):
        noise = torch.randn(inputs.fake.shape, generator=inputs.rng)
        z = inputs.latents.detach().requires_grad_()
        samples = inputs.generator(z, inputs.condition)
        (slopes,) = torch.autograd.grad((samples * noise).sum(), z, create_graph=True)
        lengths = slopes.square().sum(1).sqrt()
        self.mean = self.mean.lerp(lengths.detach().mean(), 0.1)
        return (lengths - self.mean).square().mean()


class Closure(PathLength):
    """Keeps the mean where no checkpoint has it."""

    def build(self):
        mean = [0.0]

        def penalty(inputs):
            mean[0] += 0.1 * (inputs.fake.detach().mean().item() - mean[0])
            return (inputs.fake.mean() - mean[0]).square()

        return penalty


class WrongSide(Penalising):
    """Penalises the discriminator and says that it is the generator."""

    side: ClassVar[Any] = "generator"


class Bounded(Penalising):
    """Costs nothing where the slope is small."""

    penalty = staticmethod(lambda inputs: torch.relu(slope(inputs) - 1))


class PerSample(Penalising):
    """Gives a number for each sample."""

    penalty = staticmethod(lambda inputs: slope(inputs).expand(len(inputs.real)).exp().log())


class Constant(Penalising):
    """Cannot be differentiated by the discriminator's parameters."""

    penalty = staticmethod(lambda inputs: slope(inputs, create_graph=False))


class Noisy(Penalising):
    """Draws from torch's own random numbers."""

    penalty = staticmethod(lambda inputs: slope(inputs) * torch.rand(()))


class Heavy(Penalising):
    """Applies its weight itself."""

    def build(self):
        weight = self.weight.build()
        return lambda inputs: slope(inputs) * weight(0.0)


class Term(AuxiliaryLoss):
    """A term that is given by a subclass."""

    type: Literal["broken"] = "broken"
    needs: ClassVar[Any] = frozenset({"features"})
    term: ClassVar[Side] = staticmethod(
        lambda inputs: inputs.fake_output.features[0].square().mean()
    )

    def build(self, setting):
        return type(self).term


class Codes(Term):
    """Learns to read codes, on both sides, with a layer of its own."""

    needs: ClassVar[Any] = frozenset({"codes"})

    def build(self, setting):
        return Reading()


class Reading(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, inputs):
        return F.mse_loss(self.layer(inputs.fake_output.codes), inputs.latents[:, :2].detach())


class Matching(Term):
    """Compares with real samples, for the generator only."""

    sides: ClassVar[Any] = frozenset({"generator"})
    needs_real: ClassVar[bool] = True
    term = staticmethod(
        lambda inputs: F.mse_loss(
            inputs.fake_output.features[0].mean(0), inputs.real_output.features[0].mean(0).detach()
        )
    )


class Conditional(Term):
    """Classifies samples, where they have classes."""

    needs: ClassVar[Any] = frozenset({"class_logits"})
    term = staticmethod(
        lambda inputs: F.cross_entropy(inputs.fake_output.class_logits, inputs.condition)
    )

    def check(self, setting):
        if setting.condition is None or setting.condition.kind != "classes":
            raise ValueError("needs classes")


class Greedy(Term):
    """Uses an embedding that it does not say it needs."""

    term = staticmethod(lambda inputs: inputs.fake_output.embedding.square().mean())


class Unreal(Matching):
    """Does not say that it compares with real samples."""

    needs_real: ClassVar[bool] = False


class OneSided(Term):
    """Says that it acts on both sides, and is about samples only."""

    term = staticmethod(lambda inputs: inputs.fake.square().mean())


class Nowhere(Term):
    """Acts on no side that there is."""

    sides: ClassVar[Any] = frozenset({"both"})


class Forgetting(Codes):
    """Has a layer in no state dict."""

    def build(self, setting):
        reading = super().build(setting)
        return partial(torch.nn.Module.__call__, reading)


class Unknown(Term):
    """Needs what no discriminator gives."""

    needs: ClassVar[Any] = frozenset({"features", "depth"})


class Raising(Term):
    """Asks for what settings may not have."""

    def check(self, setting):
        if setting.condition.size > 100:
            raise ValueError("too many")


class Shifting(Augmentation):
    """A change that is given by a subclass."""

    type: Literal["broken"] = "broken"
    change: ClassVar[Side] = staticmethod(lambda x, rng: x + torch.rand((), generator=rng))

    def build(self):
        return type(self).change


class Cropped(Shifting):
    """Changes the shape."""

    change = staticmethod(lambda x, rng: x[..., 1:])


class InPlace(Shifting):
    """Changes the images it is given."""

    change = staticmethod(lambda x, rng: (x.data.mul_(0.5), x * 1)[1])


class Rounded(Shifting):
    """Rounds, so that no gradient is left."""

    change = staticmethod(lambda x, rng: torch.round(x * 4) / 4)


class Global(Shifting):
    """Draws from torch's own random numbers."""

    change = staticmethod(lambda x, rng: x + torch.rand(()))


class Adaptive(Shifting):
    """Is stronger where logits of real samples are high."""

    observes: ClassVar[bool] = True

    def build(self):
        return Adapting()


class Adapting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("strength", torch.zeros(()))

    def observe(self, real_logits):
        self.strength = (self.strength + real_logits.sign().mean() / 100).clamp(0, 1)
        return {"strength": self.strength.detach()}

    def forward(self, x, rng):
        noise = torch.rand(x.shape[:1], generator=rng).reshape(-1, *[1] * (x.dim() - 1))
        return x + self.strength * noise


class Unlogged(Adaptive):
    """Gives no numbers to log."""

    def build(self):
        module = Adapting()
        observe = module.observe
        module.observe = lambda real_logits: (observe(real_logits), None)[1]
        return module


class Ineffective(Adaptive):
    """Observes and changes nothing."""

    def build(self):
        module = Adapting()
        module.observe = lambda real_logits: {}
        return module


class Forgetful(Adaptive):
    """Keeps its strength outside of the buffers, and counts in one."""

    def build(self):
        module = Adapting()
        del module._buffers["strength"]
        module.strength = torch.zeros(())
        module.register_buffer("calls", torch.zeros(()))
        observe = module.observe

        def counted(real_logits):
            module.calls += 1
            return observe(real_logits)

        module.observe = counted
        return module


class Unobserved(Adaptive):
    """Does not say that it observes."""

    observes: ClassVar[bool] = False


class Unmixed(Shifting):
    """Says that it mixes, and does not."""

    mixes: ClassVar[bool] = True


class Ageing(Adaptive):
    """Keeps its strength in an attribute."""

    def build(self):
        module = Adapting()
        strength = module.strength
        del module.strength
        module.strength = strength
        return module


class Counting(Shifting):
    """Is weaker each time."""

    def build(self):
        times = itertools.count(1)
        return lambda x, rng: x + torch.rand((), generator=rng) / next(times)


class Ascending(SGD):
    """Goes up."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, groups):
        return torch.optim.SGD(groups, maximize=True)


class Counted(torch.optim.SGD):
    def step(self, closure=None):
        self.steps = getattr(self, "steps", 0) + 1
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.sub_(parameter.grad, alpha=group["lr"] / self.steps)


class Stepping(SGD):
    """Counts steps where no state dict sees it."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, groups):
        return Counted(groups)


class Ungrouped(SGD):
    """Puts all parameters in one group."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, groups):
        return torch.optim.SGD([each for group in groups for each in group["params"]])


class Ignoring(SGD):
    """Schedules what the optimizer has no use for."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    boost: Schedule = component_field("constant", value=1.0, description="Of no use.")


class Following(Schedule):
    """A function that is given by a subclass."""

    type: Literal["broken"] = "broken"
    function: ClassVar[Side]

    def values(self):
        yield from (0.0, 1.0)

    def build(self):
        return type(self).function


class Overshooting(Following):
    """Leaves its bounds."""

    function = staticmethod(lambda progress: progress * 1.2)


class Texts(Following):
    """Gives texts."""

    function = staticmethod(str)


class Remembering(Following):
    """Never goes back."""

    def build(self):
        highest = [0.0]

        def function(progress):
            highest[0] = max(highest[0], progress)
            return highest[0]

        return function


BROKEN = [
    (
        Unreduced(),
        "sides",
        "the value for logits (2,) has shape (1,); it must be (), on the generator's side",
    ),
    (NeedsReal(), "sides", "TypeError was raised"),
    (Naive(), "extremes", "use softplus or logsigmoid"),
    (Upside(), "directions", "not fall where logits of real samples rise, on the discriminator's"),
    (Helpful(), "directions", "not fall where logits of fake samples rise, on the generator's"),
    (HalfGradient(), "gradcheck", "finite differences, on the generator's side"),
    (Weighted(), "weights", "changes with 'discriminator_weight'"),
    (PerSample(), "output", "has shape (4,); it must be ()"),
    (Constant(), "gradients", "create_graph=True"),
    (Noisy(), "random-source", "the same state of 'rng' gives different values"),
    (Heavy(), "weight", "which the algorithm applies"),
    (Cropped(), "output", "has shape (4, 1, 8, 7); it must be (4, 1, 8, 8)"),
    (InPlace(), "output", "changed in place"),
    (Rounded(), "gradients", "no gradient reaches the samples"),
    (Global(), "random-source", "gives different results"),
    (Undeclared(), "needs-gradient", "the gradients used are at real samples"),
    (Overdeclared(), "needs-gradient", "'needs_gradient' names fake, real"),
    (Closure(), "state", "what changes from step to step must be in buffers of an nn.Module"),
    (WrongSide(), "gradients", "no gradient reaches the generator"),
    (Greedy(), "output", "AttributeError was raised"),
    (Unreal(), "output", "AttributeError was raised"),
    (OneSided(), "gradients", "reaches the discriminator, on the discriminator's side"),
    (Nowhere(), "output", "the sides are ('both',)"),
    (Forgetting(), "state", "must be in buffers of an nn.Module"),
    (Unknown(), "output", "'needs' names depth"),
    (Raising(), "refusals", "'check' raises AttributeError"),
    (Unlogged(), "observes", "'observe' gives a NoneType"),
    (Ineffective(), "observes", "change no buffer"),
    (Forgetful(), "observes", "depends on more than the state dict holds"),
    (Unobserved(), "observes", "'observes' is False, and there is a method"),
    (Unmixed(), "mixes", "'mixes' is True, and there is no method 'mix'"),
    (Ageing(), "state", "the result"),
    (Counting(), "state", "is another"),
    (Ungrouped(), "groups", "'build' does not hand its groups of parameters to the optimizer"),
    (Ascending(), "descent", "10 steps take a quadratic from"),
    (Stepping(), "descent", "steps after loading the state of another optimizer differ"),
    (Ignoring(), "groups", "not keys of the parameter groups: boost"),
    (Overshooting(), "values", "outside of 'values' from 0 to 1"),
    (Texts(), "values", "is '0.0', not a finite float"),
    (Remembering(), "values", "differ with the order in which progress is asked for"),
]

# These break what other checks of theirs rest on.
TOGETHER = {
    "Forgetful",
    "Unreduced",
    "NeedsReal",
    "PerSample",
    "Cropped",
    "Greedy",
    "Unreal",
    "Nowhere",
    "Unknown",
    "Raising",
    "Ageing",
    "Unlogged",
    "Ungrouped",
}


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    if type(component).__name__ not in TOGETHER:
        assert list(found) == [check]
    assert sentence in found[check]
    family = component.family.replace("_", " ")
    assert found[check].startswith(f"{family} 'broken', {check}: ")


GOOD = [
    Formula(),
    Penalising(),
    Bounded(),
    Reusing(),
    PathLength(),
    Term(),
    Codes(),
    Matching(),
    Conditional(),
    Shifting(),
    Adaptive(),
]


@pytest.mark.parametrize("component", GOOD, ids=repr)
def test_what_is_as_it_should_be_passes_all(findings, component):
    assert findings(component, "training") == {}
