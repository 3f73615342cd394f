"""A loss, penalty, augmentation, optimizer or schedule broken in one way is caught by one check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
import torch
import torch.nn.functional as F

from ganzoo.builtin.optimizers import SGD
from ganzoo.components import (
    AdversarialLoss,
    Augmentation,
    Loss,
    Regularizer,
    Schedule,
    choice,
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
    """Wants high logits for made samples."""

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
    x = inputs.real.clone().requires_grad_()
    logits = inputs.discriminator(x, inputs.labels)
    (gradients,) = torch.autograd.grad(logits.sum(), x, create_graph=create_graph)
    return gradients.square().sum() / len(x)


class Penalising(Regularizer):
    """A penalty that is given by a subclass."""

    type: Literal["broken"] = "broken"
    penalty: ClassVar[Side] = staticmethod(slope)

    def build(self):
        return type(self).penalty


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


class Ascending(SGD):
    """Goes up."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, parameters):
        return torch.optim.SGD(parameters, maximize=True)


class Counted(torch.optim.SGD):
    def step(self, closure=None):
        self.steps = getattr(self, "steps", 0) + 1
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.sub_(parameter.grad, alpha=group["lr"] / self.steps)


class Counting(SGD):
    """Counts steps where no state dict sees it."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, parameters):
        return Counted(parameters)


class Ignoring(SGD):
    """Schedules what the optimizer has no use for."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    boost: Schedule = choice("constant", value=1.0, description="Of no use.")


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
    (Unreduced(), "output", "the generator's side of 2 logits is torch.float32 (1,)"),
    (NeedsReal(), "output", "TypeError was raised"),
    (Naive(), "extremes", "use softplus or logsigmoid"),
    (Upside(), "directions", "it must fall, since high logits mean real"),
    (Helpful(), "directions", "the generator wants them to pass for real"),
    (HalfGradient(), "gradcheck", "the gradient of the generator's side"),
    (Weighted(), "weights", "changes with 'discriminator_weight'"),
    (PerSample(), "output", "it must be a float32 scalar"),
    (Constant(), "gradients", "create_graph=True"),
    (Noisy(), "rng", "all that is random must come from it"),
    (Heavy(), "weight", "the game applies these"),
    (Cropped(), "images", "shape and type must stay"),
    (InPlace(), "images", "changed in place"),
    (Rounded(), "differentiable", "the generator learns nothing"),
    (Global(), "randomness", "gives different images"),
    (Ascending(), "descent", "they must lower it"),
    (Counting(), "state-dict", "all that changes must be in the state dict"),
    (Ignoring(), "schedules", "boost of the scheduled fields"),
    (Overshooting(), "values", "it must lie within those of 'values', from 0 to 1"),
    (Texts(), "values", "is '0.0'; it must be a finite float"),
    (Remembering(), "purity", "they must follow from progress alone"),
]

# These break what other checks of theirs rest on.
TOGETHER = {"Unreduced", "NeedsReal", "PerSample", "Cropped"}


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    if type(component).__name__ not in TOGETHER:
        assert list(found) == [check]
    assert sentence in found[check]
    assert found[check].startswith(f"{component.family} 'broken', {check}: ")


@pytest.mark.parametrize("component", [Formula(), Penalising(), Bounded(), Shifting()], ids=repr)
def test_what_is_as_it_should_be_passes_all(findings, component):
    assert findings(component, "training") == {}
