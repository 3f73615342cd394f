"""A generator or discriminator that is broken in one way is caught by one check."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
import torch
from ganzoo_devkit.testing.trials import TinyDiscriminator, TinyGenerator, TinyTranslator
from pydantic import Field, model_validator
from torch import nn

from ganzoo.components import DiscriminatorOutput


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

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        result: torch.Tensor = self.after(self.network(self.before(x), condition))
        return result


class Made(TinyGenerator):
    """A generator, changed in what it makes."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    after: ClassVar[Callable[..., Any]] = staticmethod(lambda output: output)
    before: ClassVar[Callable[..., Any]] = staticmethod(lambda inputs: inputs)

    def build(self, latent_dim, sample_shape, condition):
        return Changed(super().build(latent_dim, sample_shape, condition), self.after, self.before)


class Judged(TinyDiscriminator):
    """A discriminator, changed in what it says."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    after: ClassVar[Callable[..., Any]] = staticmethod(lambda output: output)
    before: ClassVar[Callable[..., Any]] = staticmethod(lambda inputs: inputs)

    def build(self, sample_shape, condition):
        return Changed(super().build(sample_shape, condition), self.after, self.before)


class Choosy(Made):
    """Refuses all shapes."""

    def check(self, sample_shape, condition):
        raise ValueError("no")


class Nested(Made):
    """Has one axis too many."""

    after = staticmethod(lambda output: output[..., None])


class Coupled(Made):
    """Subtracts the mean of the batch."""

    after = staticmethod(lambda output: (output - output.mean(0)) / 2)


class Blind(TinyGenerator):
    """Takes condition and does not use them."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]

    def build(self, latent_dim, sample_shape, condition):
        return super().build(latent_dim, sample_shape, None)


class Idle(Made):
    """Has a layer that nothing goes through."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.spare = nn.Linear(2, 2)
        return network


class Detached(Made):
    """Cuts the way back to the latent."""

    before = staticmethod(torch.Tensor.detach)


class Forgetful(Made):
    """Shifts latents by what is in no state dict."""

    def build(self, latent_dim, sample_shape, condition):
        shift = torch.randn(latent_dim)
        network = super().build(latent_dim, sample_shape, condition)
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

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        nn.init.normal_(next(network.parameters()), mean=next(BUILT) / 100)
        return network


class Seeded(Made):
    """Sets torch's seed itself."""

    def build(self, latent_dim, sample_shape, condition):
        torch.manual_seed(5)
        return super().build(latent_dim, sample_shape, condition)


class Sharing(Made):
    """Its copies are itself."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.__class__ = Uncopied
        return network


class Uncopied(Changed):
    def __deepcopy__(self, memo):
        return self


class Mixed(Made):
    """Computes in numpy, which has no bfloat16."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.network.hidden.insert(1, Numpy())
        return network


class Numpy(nn.Module):
    def forward(self, x):
        return x + torch.from_numpy(x.detach().numpy().clip(-1, 1))


class Single(Made):
    """Computes in single precision whatever comes."""

    before = staticmethod(torch.Tensor.float)


class Viewing(Made):
    """Views what may lie channels-last."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.network.hidden[1] = nn.Sequential(
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

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.__class__ = Aged
        network.passes = 0
        return network


class Aged(Changed):
    def forward(self, x, condition=None):
        self.passes += self.training
        return super().forward(x, condition) / (1 + self.passes * self.training)


class Raising(Made):
    """Does not work at all."""

    def build(self, latent_dim, sample_shape, condition):
        raise RuntimeError("weights are\nout of stock")


class Pooled(Judged):
    """Gives one logit for all samples."""

    after = staticmethod(lambda output: output.mean())


class Squashed(Judged):
    """Ends in a sigmoid."""

    after = staticmethod(torch.sigmoid)


class Joined(Judged):
    """Says that samples do not influence each other."""

    joins_batches: ClassVar[bool] = True  # type: ignore[assignment]
    after = staticmethod(lambda output: output - output.mean() / 2)


class Unconditional(Judged):
    """Says that it takes condition and refuses them."""

    def check(self, sample_shape, condition):
        if condition is not None:
            raise ValueError("no classes, please")


class ClassPooled(Judged):
    """Gives one logit for all samples where there are conditions."""

    def build(self, sample_shape, condition):
        network = super().build(sample_shape, condition)
        if condition is not None:
            network.after = Pooled.after
        return network


class ClassSquashed(Judged):
    """Ends in a sigmoid where there are classes."""

    def build(self, sample_shape, condition):
        network = super().build(sample_shape, condition)
        if condition is not None:
            network.after = torch.sigmoid
        return network


class Faint(Made):
    """Has a parameter that makes no difference."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.__class__ = Faintly
        network.spare = nn.Parameter(torch.ones(1))
        return network


class Faintly(Changed):
    def forward(self, x, condition=None):
        return super().forward(x, condition) + 0 * self.spare


class Spectral(Judged):
    """Has buffers that each pass in training moves."""

    joins_batches: ClassVar[bool] = True  # type: ignore[assignment]

    def build(self, sample_shape, condition):
        network = super().build(sample_shape, condition)
        for layers in (network.network.hidden, network.network.layers):
            nn.utils.parametrizations.spectral_norm(layers[0])
        return network


class Noisy(Made):
    """Adds noise in the layout of what it is added to."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.network.hidden[1] = nn.Sequential(
            nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 2, 3, padding=1), Noise(), nn.Flatten()
        )
        return network


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Unannounced(Noisy):
    """Draws noise in evaluation mode that nobody can repeat."""


class Injecting(Made):
    """Adds noise from the random source it is given."""

    uses_noise: ClassVar[bool] = True

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.__class__ = Injected
        network.strength = nn.Parameter(torch.zeros(1))
        network.source = self.source
        return network

    def source(self, output, rng):
        noise = torch.randn(output.shape, generator=rng, device=rng.device)
        return noise.to(output.device, output.dtype)


class Injected(Changed):
    def forward(self, x, condition, rng):
        output = super().forward(x, condition)
        return output + self.strength * self.source(output, rng)


class Deaf(Injecting):
    """Says that it uses the random source, and draws from torch's own."""

    def source(self, output, rng):
        return torch.randn_like(output)


class Broken(Judged):
    """Gives what is not a number."""

    after = staticmethod(lambda output: output / 0 * 0)


class Constant(Made):
    """Gives one sample for all latents."""

    after = staticmethod(lambda output: output[:1].expand_as(output))


class Residual(Made):
    """Grows with each layer, as an unnormalized residual network, up to a hyperbolic tangent."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.network.hidden = nn.Sequential(
            network.network.hidden[0], *(Block() for _ in range(10))
        )
        return network


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.layer(nn.functional.leaky_relu(x, 0.2) * 4)


class Linear(Made):
    """Is not confined to [-1, 1]."""

    after = staticmethod(lambda output: 50 * output)


class Rigid(Made):
    """Reads a weight where parametrized layers have none."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.__class__ = Peeking
        return network


class Peeking(Changed):
    def forward(self, x, condition=None):
        scale = self.network.hidden[0]._parameters["weight"].square().mean()
        return super().forward(x, condition) * torch.rsqrt(scale + 1)


class Rich(Judged):
    """Gives features and class logits too."""

    given: ClassVar[Any] = ("features", "class_logits")

    @property
    def provides(self):
        return frozenset({"logits", *self.given})

    def build(self, sample_shape, condition):
        return TinyDiscriminator(outputs=("features", "class_logits")).build(
            sample_shape, condition
        )


class Silent(Rich):
    """Does not say that it gives class logits."""

    given = ("features",)


class Boasting(Rich):
    """Says that it gives an embedding."""

    given = ("features", "class_logits", "embedding")


class Squeezed(Rich):
    """Gives class logits that are of no class."""

    def build(self, sample_shape, condition):
        return Changed(super().build(sample_shape, condition), squeeze)


def squeeze(output):
    return DiscriminatorOutput(output.logits, output.features, output.class_logits[:, 0])


class Unpackable(Judged):
    """Reads as many channels as a sample has."""

    def build(self, sample_shape, condition):
        halved = (sample_shape[0] // self.pack, *sample_shape[1:])
        return super().build(halved, condition)


class Surprised(Made):
    """Asks sample shapes for what not all of them have."""

    def check(self, sample_shape, condition):
        if sample_shape[1:] and sample_shape[2] > 1000:
            raise ValueError("too large")


class Mute(Made):
    """Refuses classes and does not say why."""

    def check(self, sample_shape, condition):
        if len(sample_shape) == 4:
            raise ValueError


class Unkind(Made):
    """Accepts what is no condition."""

    accepts: ClassVar[Any] = frozenset({"classes", "texts"})


class Translated(TinyTranslator):
    """A translator, changed in what it makes."""

    type: Literal["broken"] = "broken"  # type: ignore[assignment]
    after: ClassVar[Callable[..., Any]] = staticmethod(lambda output: output)

    def build(self, source_shape, sample_shape, condition):
        return Changed(super().build(source_shape, sample_shape, condition), self.after)


class Flat(Translated):
    """Forgets the shape of samples."""

    after = staticmethod(lambda output: output.flatten(1))


class Rectified(Made):
    """Has units that are dead for most weights."""

    def build(self, latent_dim, sample_shape, condition):
        network = super().build(latent_dim, sample_shape, condition)
        network.network.hidden[1] = nn.Sequential(Behind(1.5), nn.ReLU())
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
    (ClassPooled(), "conditional-output", "has shape (); it must be (4,)"),
    (ClassSquashed(), "conditional-raw-logits", "all logits lie in [0, 1]"),
    (Unannounced(), "noise", "set 'uses_noise' and draw from the random source"),
    (Deaf(), "noise", "the same state of 'rng' gives different samples"),
    (Broken(), "output", "the output is not finite, for samples (1, 8, 8)"),
    (Constant(), "variety", "samples of different inputs are equal"),
    (Rigid(), "parametrizations", "KeyError was raised"),
    (Silent(), "provides", "the output must agree on class_logits"),
    (Boasting(), "provides", "the output must agree on embedding"),
    (Squeezed(), "provides", "'class_logits' has shape (4,)"),
    (Unpackable(), "pack", "RuntimeError was raised"),
    (Surprised(), "refusals", "'check' raises IndexError"),
    (Mute(), "refusals", "is refused without a message"),
    (Unkind(), "conditions", "'accepts' names texts"),
    (Flat(), "output", "has shape (4, 64); it must be (4, 1, 8, 8)"),
    (
        Faint(),
        "gradients",
        "the gradient of spare is 0, whatever the weights are, for samples (1, 8, 8)",
    ),
    (Choosy(), "sample-shapes", "refuses all of the shapes (1, 8, 8), (2,)"),
    (Nested(), "output", "shape (4, 1, 8, 8, 1); it must be (4, 1, 8, 8)"),
    (Coupled(), "independence", "one input changes the samples of others"),
    (Blind(), "conditions", "the condition of a sample makes no difference"),
    (Idle(), "gradients", "2 of 6 parameters get no gradient"),
    (Detached(), "gradients", "no gradient reaches the input"),
    (Forgetful(), "state-dict", "it must hold all that changes"),
    (Counting(), "seed", "two modules built from one seed have different weights"),
    (Seeded(), "seed", "do not set a seed in 'build'"),
    (Sharing(), "state-dict", "changing the weights of a deep copy changes the output"),
    (Mixed(), "precision", "TypeError was raised"),
    (Single(), "precision", "RuntimeError was raised"),
    (Viewing(), "channels-last", "view size is not compatible"),
    (Compiled(), "compile", "under torch.compile"),
    (Ageing(), "training", "a run stopped and resumed differs from one that was not"),
    (Pooled(), "output", "has shape (); it must be (4,)"),
    (Squashed(), "raw-logits", "all logits lie in [0, 1]"),
    (Joined(), "joined-batches", "'joins_batches' is true"),
    (Unconditional(), "conditions", "'check' refuses every shape with classes, labels, values"),
]


# These break what other checks of theirs rest on.
TOGETHER = {"Broken", "ClassPooled", "Constant", "Flat", "Forgetful", "Pooled", "Sharing", "Unkind"}


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    if type(component).__name__ not in TOGETHER:
        assert list(found) == [check]
    assert sentence in found[check]
    title = f"{component.family} 'broken'"
    if check.startswith("conditional-"):
        title += " (conditional=True)"
    if check != "pack":
        assert found[check].startswith(f"{title}, {check.removeprefix('conditional-')}: ")
    assert "\n" not in found[check]


def test_an_exception_is_a_sentence_too_and_the_cause_is_kept(findings):
    found = findings(Raising(), "output")
    assert found["output"] == (
        "generator 'broken', output: RuntimeError was raised (weights are), for samples (1, 8, 8)"
    )


GOOD = [
    Residual(),
    Linear(),
    Injecting(),
    Rich(),
    Translated(),
    Made(),
    Judged(),
    Made(conditional=True),
    Spectral(),
    Rectified(),
    Labelled(),
]


@pytest.mark.parametrize("network", GOOD, ids=repr)
def test_networks_that_are_as_they_should_be_pass_all(findings, network):
    assert findings(network, "training") == {}
