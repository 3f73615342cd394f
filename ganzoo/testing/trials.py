"""What components are tried with: tiny networks and data, and what each builds, with inputs for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import (
    Activation,
    Component,
    Condition,
    ConditionKind,
    Discriminator,
    DiscriminatorOutput,
    Generator,
    Latent,
    Network,
    Normalization,
    Translator,
    registry,
)
from ganzoo.components.networks import OutputPart
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.nn import embedding, parametrized
from ganzoo.testing.checks import Options, passes, require

BATCH = 4
"""Samples in a batch."""

CLASSES = 3
"""Classes, labels or values in made-up conditions."""

LATENT = 5
"""Coordinates of latents."""

CHANNELS = 8
"""Channels of the tiny networks' hidden layer."""

KINDS: tuple[ConditionKind, ...] = ("classes", "labels", "values")
EVERYTHING: tuple[OutputPart, ...] = ("features", "class_logits", "embedding", "codes")

Change = Callable[[torch.Tensor], torch.Tensor]


class TinyGenerator(Generator):
    """Two linear layers and a hyperbolic tangent."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset(KINDS)

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network."""
        return _Tiny(latent_dim, sample_shape, condition, nn.Tanh())


class TinyTranslator(Translator):
    """Two linear layers and a hyperbolic tangent."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset(KINDS)

    def build(
        self,
        source_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        condition: Condition | None,
    ) -> nn.Module:
        """Build the network."""
        return _Tiny(math.prod(source_shape), sample_shape, condition, nn.Tanh())


class TinyDiscriminator(Discriminator):
    """Two linear layers, with a function between them that is smooth enough for any penalty."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset(KINDS)

    outputs: Annotated[tuple[OutputPart, ...], Field(strict=False)] = Field(
        default=(), description="What it gives besides logits."
    )

    @property
    def provides(self) -> frozenset[OutputPart]:
        """Logits, and what ``outputs`` names."""
        return frozenset({"logits", *self.outputs})

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network."""
        return _Judge(math.prod(sample_shape), condition, self.outputs)


class _Tiny(nn.Module):
    """Two layers whose input, in one row, is shifted by a learned vector for each condition."""

    def __init__(
        self, inputs: int, shape: tuple[int, ...], condition: Condition | None, last: nn.Module
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inputs, CHANNELS), nn.Softplus())
        self.layers = nn.Sequential(
            nn.Linear(CHANNELS, math.prod(shape)), last, nn.Unflatten(1, shape)
        )
        self.condition = None if condition is None else embedding(condition, inputs)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> Any:
        """Return what the layers make of inputs (N, …) and conditions, or None."""
        x = x.flatten(1)
        hidden = self.hidden(x if self.condition is None else x + self.condition(condition))
        return self.read(hidden)

    def read(self, hidden: torch.Tensor) -> Any:
        """Return the output for what the hidden layer gives."""
        return self.layers(hidden)


class _Judge(_Tiny):
    """A discriminator that gives logits, or a record with more where it is asked for."""

    def __init__(
        self, inputs: int, condition: Condition | None, outputs: tuple[OutputPart, ...]
    ) -> None:
        super().__init__(inputs, (1,), condition, nn.Identity())
        self.layers = nn.Sequential(nn.Linear(CHANNELS, 1), nn.Flatten(0))
        wanted = [each for each in outputs if each not in {"logits", "features"}]
        self.heads = nn.ModuleDict({each: nn.Linear(CHANNELS, CLASSES) for each in wanted})
        self.outputs = outputs

    def read(self, hidden: torch.Tensor) -> Any:
        """Return logits, or a record."""
        if not self.outputs:
            return self.layers(hidden)
        parts: dict[str, Any] = {name: head(hidden) for name, head in self.heads.items()}
        features = (hidden,) if "features" in self.outputs else ()
        return DiscriminatorOutput(self.layers(hidden), features, **parts)


TINY: tuple[type[Component], ...] = (TinyGenerator, TinyTranslator, TinyDiscriminator)


def condition_of(kind: ConditionKind | None) -> Condition | None:
    """Return a made-up condition of a kind."""
    return None if kind is None else Condition(kind, CLASSES)


def conditions(kind: ConditionKind | None, n: int = BATCH) -> torch.Tensor | None:
    """Return conditions for n samples, no two neighbours alike."""
    classes = torch.arange(n) % CLASSES
    if kind is None or kind == "classes":
        return None if kind is None else classes
    rows = nn.functional.one_hot(classes, CLASSES).float()
    return rows if kind == "labels" else rows * 1.5 - 0.25


def tiny_dataset(
    folder: Path,
    sample_shape: tuple[int, ...],
    kind: ConditionKind | None = "classes",
    *,
    source: bool = False,
    paired: bool = True,
) -> Arrays:
    """Make up a data set of 16 samples, and write its file.

    Args:
        folder: where the file goes.
        sample_shape: (channels, height, width) of images, or any other shape of floats.
        kind: of the conditions, or None for a set without.
        source: whether there are sources to translate from, of the same shape.
        paired: whether source i belongs to sample i.
    """
    rng, path = np.random.default_rng(0), folder / "samples.npz"

    def draw() -> Any:
        if len(sample_shape) == 3:
            return rng.integers(0, 256, (16, *sample_shape), dtype=np.uint8)
        return rng.uniform(-1, 1, (16, *sample_shape)).astype(np.float32)

    arrays = {"images" if len(sample_shape) == 3 else "samples": draw()}
    drawn = conditions(kind, 16)
    if drawn is not None:
        name = "values" if kind == "values" else "labels"
        arrays[name] = drawn.numpy() if kind == "values" else drawn.numpy().astype(np.int64)
    if source:
        arrays["source"] = draw()
    np.savez(path, **arrays)
    layout: Any = "nchw" if len(sample_shape) == 3 else "auto"
    return Arrays(path=str(path), layout=layout, paired=paired)


@contextmanager
def registered(*components: type[Component]) -> Iterator[Registry]:
    """Let specs find components that no installed plugin offers, inside a ``with`` block.

    Args:
        components: members of families; those that are known already stay as they are.
    """
    active = registry.active()
    unknown = [component for component in components if active.entry_of(component) is None]
    if not unknown:
        yield active
        return
    known = Registry()
    for entry in active.entries():
        known.add(entry)
    for component in dict.fromkeys(unknown):
        name = component.model_fields["type"].default
        known.add(Entry(component.family, name, component, Provider("unpackaged", "0")))
    with registry.using(known):
        yield known


@dataclass(frozen=True)
class Trial:
    """Something that a component builds, and inputs for it.

    Attributes:
        where: what the inputs are, in words, such as "for samples (1, 28, 28)".
        samples: how many the inputs have.
        construct: builds the module.
        arguments: gives its inputs, the same each time; tensors are new ones.
        shape: of the output, or None where that is a discriminator's.
    """

    where: str
    samples: int
    construct: Callable[[], nn.Module]
    arguments: Callable[[], tuple[Any, ...]]
    shape: tuple[int, ...] | None = None

    def build(self, seed: int = 0) -> nn.Module:
        """Build the module with weights from a seed."""
        torch.manual_seed(seed)
        return self.construct()

    def call(
        self, module: Callable[..., Any], change: Change | None = None, seed: int = 1
    ) -> torch.Tensor:
        """Call the module with the inputs; what it draws from torch is the same each time.

        Args:
            module: what was built, or something made of it.
            change: applied to each input of floating-point numbers but conditions.
            seed: of what it draws from torch.

        Returns:
            The output; of a ``DiscriminatorOutput`` all that it holds, in one row a sample.
        """
        arguments = list(self.arguments())
        if change is not None and torch.is_tensor(arguments[0]):
            arguments[0] = change(arguments[0])
            if arguments[0].dtype == torch.float64:
                arguments = [each.double() if _is_floating(each) else each for each in arguments]
        torch.manual_seed(seed)
        output = module(*arguments)
        if isinstance(output, DiscriminatorOutput):
            others = (output.class_logits, output.embedding, output.codes)
            given = [
                each for each in (output.logits, *output.features, *others) if each is not None
            ]
            output = torch.cat([each.reshape(len(each), -1) for each in given], dim=1)
        require(torch.is_tensor(output), f"the output is a {type(output).__name__}, not a tensor")
        result: torch.Tensor = output
        return result


def _is_floating(argument: object) -> bool:
    return isinstance(argument, torch.Tensor) and argument.is_floating_point()


def trials(component: Component, options: Options, samples: int = BATCH) -> Iterator[Trial]:
    """Yield what a component builds for each kind of input that it accepts.

    Args:
        component: a network, a latent, a normalization or an activation.
        options: what networks are tried with.
        samples: how many samples the inputs have.
    """
    if isinstance(component, Network):
        yield from (
            _network(component, shape, kind, samples)
            for shape, kind in accepted(component, options)
        )
    elif isinstance(component, Normalization):
        for channels, dimensions in accepted_layers(component):
            shape = (samples, channels, *[6, 6][:dimensions])
            where = f"for {channels} channels and {dimensions} further axes"
            build = partial(component.build, channels, dimensions)
            yield Trial(where, samples, build, _seeded(*shape), shape)
    elif isinstance(component, Activation):
        for shape in ((samples, 7), (samples, CHANNELS, 6, 6)):
            yield Trial(f"for shape {shape}", samples, component.build, _seeded(*shape), shape)
    elif isinstance(component, Latent):
        inputs = lambda: (samples, torch.Generator().manual_seed(2))  # noqa: E731 - new ones each time
        shape = (samples, component.dim)
        yield Trial(f"for {samples} latents", samples, component.build, inputs, shape)


def changed(component: Any, **fields: Any) -> Any:
    """Return a component with other fields, validated anew."""
    data = component.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return type(component).model_validate({**data, **fields})


def accepted(
    network: Network, options: Options
) -> list[tuple[tuple[int, ...], ConditionKind | None]]:
    """Return shapes of samples and kinds of condition that a network's ``check`` lets pass.

    All shapes come with one kind, and the first of them with all that the network accepts.
    """
    kinds: list[ConditionKind | None] = [None]
    if network.conditional:
        kinds = [kind for kind in KINDS if kind in network.accepts]
    found: list[tuple[tuple[int, ...], ConditionKind | None]] = []
    for shape in options.sample_shapes:
        tried = kinds if not found else kinds[:1]
        found += [(shape, kind) for kind in tried if passes(_check_of(network, shape), kind)]
    return found


def _check_of(network: Network, shape: tuple[int, ...]) -> Callable[..., None]:
    if isinstance(network, Translator):
        return lambda kind: network.check_source(shape, shape, condition_of(kind))
    packed = network.packed_shape(shape) if isinstance(network, Discriminator) else shape
    return lambda kind: network.check(packed, condition_of(kind))


def accepted_layers(normalization: Normalization) -> list[tuple[int, int]]:
    """Return the channels and further axes that a normalization's ``check`` lets pass."""
    candidates = [(16, 0), (16, 2), (60, 0), (60, 2)]
    return [layer for layer in candidates if passes(normalization.check, *layer)]


def _network(
    network: Network, shape: tuple[int, ...], kind: ConditionKind | None, samples: int
) -> Trial:
    condition, told = condition_of(kind), conditions(kind, samples)
    where = f"for samples {shape}" + (f" and {condition.describe()}" if condition else "")
    output: tuple[int, ...] | None = (samples, *shape)
    build: Callable[[], nn.Module]
    noise: Callable[[], tuple[torch.Generator, ...]] = tuple
    if isinstance(network, Generator):
        values = _seeded(samples, LATENT)
        build = lambda: network.build(LATENT, shape, condition)  # noqa: E731 - one of three
        if network.uses_noise:
            noise = lambda: (torch.Generator().manual_seed(2),)  # noqa: E731 - as above
    elif isinstance(network, Translator):
        values = _seeded(samples, *shape)
        build = lambda: network.build(shape, shape, condition)  # noqa: E731 - as above
    elif isinstance(network, Discriminator):
        packed, output = network.packed_shape(shape), None
        values = _seeded(samples, *packed)
        build = lambda: network.build(packed, condition)  # noqa: E731 - as above
    else:
        raise TypeError(f"{network.type!r} is of no known family of networks")
    bounded = len(shape) == 3 and not isinstance(network, Generator)
    return Trial(
        where,
        samples,
        lambda: parametrized(build(), network),
        lambda: (values()[0].tanh() if bounded else values()[0], told, *noise()),
        output,
    )


def _seeded(*shape: int) -> Callable[[], tuple[torch.Tensor]]:
    return lambda: (torch.randn(shape, generator=torch.Generator().manual_seed(3)),)


@torch.no_grad()
def nudge(module: nn.Module, std: float = 0.3) -> nn.Module:
    """Add normal noise to all parameters: those that begin at zero hide what is behind them."""
    torch.manual_seed(4)
    for parameter in module.parameters():
        if parameter.is_floating_point():
            parameter.add_(torch.randn_like(parameter) * std)
    return module
