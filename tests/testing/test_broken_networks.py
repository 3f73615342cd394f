"""A generator or discriminator that is broken in one way is caught by one check."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
import torch
from pydantic import Field, model_validator
from torch import nn

from ganzoo.testing.tiny import TinyDiscriminator, TinyGenerator


class Changed(nn.Module):
    """A network with something done before it, and something after."""

    def __init__(
        self,
        network: nn.Module,
        after: Callable[[Any], Any] = lambda output: output,
        before: Callable[[Any], Any] = lambda inputs: inputs,
    ) -> None:
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        result: torch.Tensor = self.after(self.network(self.before(x), labels))
        return result


class Made(TinyGenerator):
    """A generator, changed in what it makes."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    after: ClassVar[Callable[..., Any]] = staticmethod(lambda output: output)
    before: ClassVar[Callable[..., Any]] = staticmethod(lambda inputs: inputs)

    def build(self, latent_dim, sample_shape, num_classes):
        return Changed(
            super().build(latent_dim, sample_shape, num_classes), self.after, self.before
        )


class Judged(TinyDiscriminator):
    """A discriminator, changed in what it says."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    after: ClassVar[Callable[..., Any]] = staticmethod(lambda output: output)
    before: ClassVar[Callable[..., Any]] = staticmethod(lambda inputs: inputs)

    def build(self, sample_shape, num_classes):
        return Changed(super().build(sample_shape, num_classes), self.after, self.before)


class Choosy(Made):
    """Refuses all shapes."""

    def check(self, sample_shape, num_classes):
        raise ValueError("no")


class Nested(Made):
    """Has one axis too many."""

    after = staticmethod(lambda output: output[..., None])


class Unbounded(Made):
    """Leaves [-1, 1]."""

    after = staticmethod(torch.atanh)


class Coupled(Made):
    """Subtracts the mean of the batch."""

    after = staticmethod(lambda output: (output - output.mean(0)) / 2)


class Blind(TinyGenerator):
    """Takes labels and does not use them."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, latent_dim, sample_shape, num_classes):
        return super().build(latent_dim, sample_shape, None)


class Idle(Made):
    """Has a layer that nothing goes through."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.spare = nn.Linear(2, 2)
        return network


class Detached(Made):
    """Cuts the way back to the latent."""

    before = staticmethod(torch.Tensor.detach)


class Forgetful(Made):
    """Shifts latents by what is in no state dict."""

    def build(self, latent_dim, sample_shape, num_classes):
        shift = torch.randn(latent_dim)
        network = super().build(latent_dim, sample_shape, num_classes)
        network.before = Shift(shift)
        return network


class Shift:
    def __init__(self, shift):
        self.shift = shift

    def __call__(self, x):
        return x + self.shift.to(x.dtype)


BUILT = itertools.count()


class Counting(Made):
    """First weights depend on how many were built before."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        nn.init.normal_(next(network.parameters()), mean=next(BUILT) / 100)
        return network


class Seeded(Made):
    """Sets torch's seed itself."""

    def build(self, latent_dim, sample_shape, num_classes):
        torch.manual_seed(5)
        return super().build(latent_dim, sample_shape, num_classes)


class Sharing(Made):
    """Its copies are itself."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.__class__ = Uncopied
        return network


class Uncopied(Changed):
    def __deepcopy__(self, memo):
        return self


class Mixed(Made):
    """Computes in numpy, which has no bfloat16."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.network.layers.insert(1, Numpy())
        return network


class Numpy(nn.Module):
    def forward(self, x):
        return x + torch.from_numpy(x.detach().numpy().clip(-1, 1))


class Single(Made):
    """Computes in single precision whatever comes."""

    before = staticmethod(torch.Tensor.float)


class Viewing(Made):
    """Views what may lie channels-last."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.network.layers[1] = nn.Sequential(
            nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 2, 1), View()
        )
        return network


class View(nn.Module):
    def forward(self, x):
        return x.view(len(x), -1)


class Compiled(Made):
    """Is another when compiled."""

    after = staticmethod(lambda output: output / 2 if torch.compiler.is_compiling() else output)


class Ageing(Made):
    """Counts its training passes where no checkpoint sees it."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.__class__ = Aged
        network.passes = 0
        return network


class Aged(Changed):
    def forward(self, x, labels=None):
        self.passes += self.training
        return super().forward(x, labels) / (1 + self.passes * self.training)


class Raising(Made):
    """Does not work at all."""

    def build(self, latent_dim, sample_shape, num_classes):
        raise RuntimeError("weights are\nout of stock")


class Columns(Judged):
    """Gives a column of logits."""

    after = staticmethod(lambda output: output[:, None])


class Squashed(Judged):
    """Ends in a sigmoid."""

    after = staticmethod(torch.sigmoid)


class Joined(Judged):
    """Says that samples do not influence each other."""

    joins_batches: ClassVar[bool] = True  # type: ignore[assignment]
    after = staticmethod(lambda output: output - output.mean() / 2)


class Unconditional(Judged):
    """Says that it takes labels and refuses them."""

    def check(self, sample_shape, num_classes):
        if num_classes is not None:
            raise ValueError("no classes, please")


class Wide(Made):
    """Leaves [-1, 1] where there are classes."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        if num_classes is not None:
            network.after = hundredfold
        return network


def hundredfold(output):
    return 100 * output


class ClassColumns(Judged):
    """Gives a column of logits where there are classes."""

    def build(self, sample_shape, num_classes):
        network = super().build(sample_shape, num_classes)
        if num_classes is not None:
            network.after = Columns.after
        return network


class ClassSquashed(Judged):
    """Ends in a sigmoid where there are classes."""

    def build(self, sample_shape, num_classes):
        network = super().build(sample_shape, num_classes)
        if num_classes is not None:
            network.after = torch.sigmoid
        return network


class Faint(Made):
    """Has a parameter that makes no difference."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.__class__ = Faintly
        network.spare = nn.Parameter(torch.ones(1))
        return network


class Faintly(Changed):
    def forward(self, x, labels=None):
        return super().forward(x, labels) + 0 * self.spare


class Stretching(Made):
    """Leaves [-1, 1] far out."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.__class__ = Stretched
        return network


class Stretched(Changed):
    def forward(self, x, labels=None):
        output = super().forward(x, labels)
        far = torch.relu(x.abs().amax(1) - 30)
        return output * (1 + far.reshape(-1, *[1] * (output.dim() - 1)))


class Spectral(Judged):
    """Has buffers that each pass in training moves."""

    joins_batches: ClassVar[bool] = True  # type: ignore[assignment]

    def build(self, sample_shape, num_classes):
        network = super().build(sample_shape, num_classes)
        for index in (0, 2):
            nn.utils.parametrizations.spectral_norm(network.network.layers[index])
        return network


class Noisy(Made):
    """Adds noise in the layout of what it is added to."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.network.layers[1] = nn.Sequential(
            nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 2, 3, padding=1), Noise(), nn.Flatten()
        )
        return network


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Rectified(Made):
    """Has units that are dead for most weights."""

    def build(self, latent_dim, sample_shape, num_classes):
        network = super().build(latent_dim, sample_shape, num_classes)
        network.network.layers[1] = nn.Sequential(Behind(1.5), nn.ReLU())
        return network


class Behind(nn.Module):
    def __init__(self, distance):
        super().__init__()
        self.shift = nn.Parameter(torch.full((8,), -distance))

    def forward(self, x):
        return x + self.shift


class Labelled(Made):
    """Has a conditional form only."""

    conditional: bool = Field(default=True, description="Whether classes are used.")

    @model_validator(mode="after")
    def _refuse(self):
        if not self.conditional:
            raise ValueError("it needs classes")
        return self


BROKEN = [
    (Wide(), "conditional-range", "they must lie in [-1, 1]"),
    (ClassColumns(), "conditional-output", "shape (4, 1); it must be (4,)"),
    (ClassSquashed(), "conditional-raw-logits", "all logits lie in [0, 1]"),
    (Faint(), "gradients", "the gradient of spare is 0 for samples (1, 8, 8), whatever"),
    (Stretching(), "range", "they must lie in [-1, 1]"),
    (Choosy(), "sample-shapes", "refuses all of the shapes (1, 8, 8), (2,)"),
    (Nested(), "output", "shape (4, 1, 8, 8, 1); it must be (4, 1, 8, 8)"),
    (Unbounded(), "range", "they must lie in [-1, 1]"),
    (Coupled(), "independence", "one latent changes the samples of others"),
    (Blind(), "labels", "the class of a sample makes no difference"),
    (Idle(), "gradients", "2 of 6 parameters get no gradient"),
    (Detached(), "gradients", "no gradient reaches the input"),
    (Forgetful(), "state-dict", "whatever changes or is random must be a parameter or a buffer"),
    (Counting(), "seed", "two modules built from one seed have different weights"),
    (Seeded(), "seed", "do not set a seed in 'build'"),
    (Sharing(), "deep-copy", "they must share nothing"),
    (Mixed(), "autocast", "TypeError was raised"),
    (Single(), "float64", "RuntimeError was raised"),
    (Viewing(), "channels-last", "view size is not compatible"),
    (Compiled(), "compile", "under torch.compile"),
    (Ageing(), "training", "a run stopped and resumed differs from one that was not"),
    (Columns(), "output", "shape (4, 1); it must be (4,)"),
    (Squashed(), "raw-logits", "all logits lie in [0, 1]"),
    (Joined(), "joined-batches", "'joins_batches' is true"),
    (Unconditional(), "labels", "'check' refuses every shape once there are classes"),
]


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    assert list(found) == [check]
    assert sentence in found[check]
    title = f"{component.family} 'broken'"
    if check.startswith("conditional-"):
        title += " (conditional=True)"
    assert found[check].startswith(f"{title}, {check.removeprefix('conditional-')}: ")
    assert "\n" not in found[check]


def test_an_exception_is_a_sentence_too_and_the_cause_is_kept(findings):
    found = findings(Raising(), "output")
    assert found["output"] == (
        "generator 'broken', output: RuntimeError was raised (weights are); there must be no error"
        " here"
    )


GOOD = [
    Made(),
    Judged(),
    Made(conditional=True),
    Spectral(),
    Noisy(),
    Rectified(),
    Labelled(),
]


@pytest.mark.parametrize("network", GOOD, ids=repr)
def test_networks_that_are_as_they_should_be_pass_all(findings, network):
    assert findings(network, "training") == {}
