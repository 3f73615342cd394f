"""An activation, normalization or latent that is broken in one way is caught by one check."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import nn

from ganzoo.builtin.latents import Normal
from ganzoo.components import Activation, Normalization


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *arguments):
        return self.function(*arguments)


class Applied(Activation):
    """A function that is given by a subclass."""

    type: Literal["broken"] = "broken"
    function: ClassVar[Any]

    def build(self) -> nn.Module:
        return Function(type(self).function)


class Softmax(Applied):
    """Depends on all values of a row."""

    function = staticmethod(lambda x: torch.softmax(x, -1))


class InPlace(Applied):
    """Changes its input, in single precision."""

    function = staticmethod(
        lambda x: (x.data.clamp_(-2, 2) if x.dtype == torch.float32 else x, x.sigmoid())[1]
    )


class Overflowing(Applied):
    """Is not finite where inputs are large."""

    function = staticmethod(lambda x: torch.log1p(torch.exp(x)))


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x.cos() / 2


class WrongGradient(Applied):
    """Its backward pass has a factor too many."""

    function = staticmethod(Halved.apply)


class Ungained(Applied):
    """Names a gain that torch has not."""

    function = staticmethod(torch.tanh)

    @property
    def init_gain(self):
        return ("cube", 0.0)


class Flat(Applied):
    """Lets no gradient through."""

    function = staticmethod(lambda x: x - (x - x.round()))


class Layer(Normalization):
    """A layer that is given by a subclass."""

    type: Literal["broken"] = "broken"
    function: ClassVar[Any] = staticmethod(lambda x: x)

    def build(self, channels, dimensions):
        return Function(type(self).function)


class Transposed(Layer):
    """Gives another shape."""

    function = staticmethod(lambda x: x[:, :1])


class Undefined(Layer):
    """Divides by a deviation that may be 0."""

    function = staticmethod(lambda x: x / x.std(1, keepdim=True))


class Denying(Layer):
    """Uses the batch and does not say so."""

    def build(self, channels, dimensions):
        return (nn.BatchNorm2d if dimensions else nn.BatchNorm1d)(channels)


class Claiming(Layer):
    """Says that it uses the batch and does not."""

    couples_batch: ClassVar[bool] = True


class Fading(Layer):
    """Has a buffer that each pass in training moves."""

    def build(self, channels, dimensions):
        return Faded()


class Faded(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.passes = self.passes + 1
        return x * (1 + self.passes)


class OneHot(Normal):
    """Has few values."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self):
        return Function(
            lambda n, rng: torch.eye(self.dim)[torch.randint(self.dim, (n,), generator=rng)]
        )

    def truncated(self, threshold):
        raise ValueError("there is nothing to truncate")


class Narrow(Normal):
    """Has one coordinate too few."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self):
        return Function(lambda n, rng: torch.randn(n, self.dim - 1, generator=rng))


class Global(Normal):
    """Draws from torch's own random numbers."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self):
        return Function(lambda n, rng: torch.randn(n, self.dim))


class Same(Normal):
    """Gives the same latent again and again."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self):
        return Function(
            lambda n, rng: torch.randn(1, self.dim, generator=rng).expand(n, -1).clone()
        )


class Widening(Normal):
    """Is cut off to more than it was."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def truncated(self, threshold):
        return Normal(dim=self.dim, std=self.std / threshold)


BROKEN = [
    (Softmax(), "elementwise", "depend on values in other places"),
    (InPlace(), "elementwise", "changed in place"),
    (Overflowing(), "extremes", "the value at [10000.0] is not finite"),
    (WrongGradient(), "gradcheck", "is not that of finite differences"),
    (Ungained(), "gain", "ValueError was raised"),
    (Flat(), "gradients", "no gradient reaches the input"),
    (
        Transposed(),
        "output",
        "has shape (4, 1); it must be (4, 16), for 16 channels and 0 further axes",
    ),
    (Undefined(), "layers", "add a small number to the variance"),
    (Denying(), "coupling", "'couples_batch' is False"),
    (Claiming(), "coupling", "'couples_batch' is True"),
    (Narrow(dim=6), "draws", "a draw of 1 latents has shape (1, 5); it must be (1, 6)"),
    (Global(dim=6), "draws", "the same state of 'rng' gives different latents"),
    (Same(dim=6), "draws", "latents of one draw are equal"),
    (Widening(dim=6), "truncation", "the deviation rises"),
]


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    assert list(found) == [check]
    assert sentence in found[check]


@pytest.mark.parametrize("component", [Layer(), Fading(), OneHot(dim=2)], ids=repr)
def test_what_is_as_it_should_be_passes_all(findings, component):
    assert findings(component, "training") == {}


class Prior(Normal):
    """Learns where its middle is."""

    type: Literal["prior"] = "prior"  # type: ignore[assignment]

    def build(self):
        return Learned(self.dim)


class Learned(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.middle = nn.Parameter(torch.zeros(dim))

    def forward(self, n, rng):
        return torch.randn(n, len(self.middle), generator=rng) + self.middle


class Unlearned(Prior):
    """Has a parameter that it does not use."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self):
        sampler = super().build()
        sampler.spare = nn.Parameter(torch.zeros(1))
        return sampler

    def truncated(self, threshold):
        raise ValueError("no")


class Silent(Prior):
    """Cannot be truncated and does not say why."""

    type: Literal["silent"] = "silent"  # type: ignore[assignment]

    def truncated(self, threshold):
        raise ValueError


def test_learned_priors_are_checked_as_modules_are(findings):
    found = findings(Unlearned(dim=6), "gradients")
    assert list(found) == ["gradients"]
    assert "1 of 2 parameters get no gradient (spare), for 4 latents" in found["gradients"]
    assert list(findings(Silent(dim=6), "truncation")) == ["truncation"]
