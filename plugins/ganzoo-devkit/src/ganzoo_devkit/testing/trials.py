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
from ganzoo.builtin.latents import Normal
from ganzoo.components import (
    Activation,
    Algorithm,
    Component,
    Condition,
    ConditionKind,
    DatasetInfo,
    Discriminator,
    DiscriminatorOutput,
    FeatureExtractor,
    Generator,
    Latent,
    Network,
    Normalization,
    OutputPart,
    Setting,
    Translator,
    registry,
    space_of,
)
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.nn import embedding, parametrized
from ganzoo.spec import Training
from ganzoo_devkit.testing.checks import Options, passes, require

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

Shape = tuple[int, ...]


class TinyGenerator(Generator):
    """Two linear layers and a hyperbolic tangent."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset(KINDS)

    def build(self, latent_dim: int, sample_shape: Shape, condition: Condition | None) -> nn.Module:
        """Build the network."""
        return _generating(latent_dim, sample_shape, condition)


class TinyTranslator(Translator):
    """Two linear layers and a hyperbolic tangent."""

    type: Literal["conformance-tiny"] = "conformance-tiny"
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset(KINDS)

    def build(
        self, source_shape: Shape, sample_shape: Shape, condition: Condition | None
    ) -> nn.Module:
        """Build the network."""
        return _generating(math.prod(source_shape), sample_shape, condition)


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

    def build(self, sample_shape: Shape, condition: Condition | None) -> nn.Module:
        """Build the network."""
        inputs = math.prod(sample_shape)
        return _Tiny(inputs, (1,), condition, nn.Flatten(0), outputs=self.outputs)


TINY: tuple[type[Component], ...] = (TinyGenerator, TinyTranslator, TinyDiscriminator)


class _Tiny(nn.Module):
    """Two layers whose input, in one row, is shifted by a learned vector for each condition.

    Where ``outputs`` are named, it gives a record of them and of what the layers give: logits.
    """

    def __init__(
        self,
        inputs: int,
        shape: Shape,
        condition: Condition | None,
        *last: nn.Module,
        outputs: tuple[OutputPart, ...] = (),
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inputs, CHANNELS), nn.Softplus())
        self.layers = nn.Sequential(nn.Linear(CHANNELS, math.prod(shape)), *last)
        self.condition = None if condition is None else embedding(condition, inputs)
        heads = [each for each in outputs if each not in {"logits", "features"}]
        self.heads = nn.ModuleDict({each: nn.Linear(CHANNELS, CLASSES) for each in heads})
        self.outputs = outputs

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> Any:
        x = x.flatten(1)
        hidden = self.hidden(x if self.condition is None else x + self.condition(condition))
        output = self.layers(hidden)
        if not self.outputs:
            return output
        parts: dict[str, Any] = {name: head(hidden) for name, head in self.heads.items()}
        return DiscriminatorOutput(output, (hidden,) if "features" in self.outputs else (), **parts)


def _generating(inputs: int, shape: Shape, condition: Condition | None) -> nn.Module:
    return _Tiny(inputs, shape, condition, nn.Tanh(), nn.Unflatten(1, shape))


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
    rng, path, images = np.random.default_rng(0), folder / "samples.npz", len(sample_shape) == 3

    def draw() -> Any:
        if images:
            return rng.integers(0, 256, (16, *sample_shape), dtype=np.uint8)
        return rng.uniform(-1, 1, (16, *sample_shape)).astype(np.float32)

    arrays = {"images" if images else "samples": draw()}
    drawn = conditions(kind, 16)
    if drawn is not None:
        values = kind == "values"
        arrays["values" if values else "labels"] = (drawn if values else drawn.long()).numpy()
    if source:
        arrays["source"] = draw()
    np.savez(path, **arrays)
    return Arrays(path=str(path), layout="nchw" if images else "auto", paired=paired)


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
    shape: Shape | None = None

    def build(self, seed: int = 0) -> nn.Module:
        """Build the module with weights from a seed."""
        torch.manual_seed(seed)
        return self.construct()

    def call(
        self,
        module: Callable[..., Any],
        change: Callable[[torch.Tensor], torch.Tensor] | None = None,
        *,
        seed: int = 1,
        double: bool = False,
    ) -> torch.Tensor:
        """Call a module with the inputs, of which the first is changed where that is a tensor.

        What it draws from torch follows from the seed. Of a ``DiscriminatorOutput``, all that it holds
        is returned in one row a sample.
        """
        inputs = list(self.arguments())
        if change is not None and torch.is_tensor(inputs[0]):
            inputs[0] = change(inputs[0])
        if double:
            floats = [torch.is_tensor(each) and each.is_floating_point() for each in inputs]
            inputs = [x.double() if real else x for x, real in zip(inputs, floats, strict=True)]
        torch.manual_seed(seed)
        output = module(*inputs)
        if isinstance(output, DiscriminatorOutput):
            further = (output.class_logits, output.embedding, output.codes)
            given = [x for x in (output.logits, *output.features, *further) if x is not None]
            output = torch.cat([each.reshape(len(each), -1) for each in given], dim=1)
        require(torch.is_tensor(output), f"the output is a {type(output).__name__}, not a tensor")
        result: torch.Tensor = output
        return result


def trials(component: Component, options: Options, samples: int = BATCH) -> Iterator[Trial]:
    """Yield what a network, latent, normalization or activation builds for all inputs it accepts."""
    if isinstance(component, Network):
        for sample_shape, kind in accepted(component, options):
            yield _of_network(component, sample_shape, kind, samples)
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


def _of_network(network: Network, shape: Shape, kind: ConditionKind | None, samples: int) -> Trial:
    condition = condition_of(kind)
    read: Shape
    build: Callable[[], nn.Module]
    if isinstance(network, Generator):
        read, build = (LATENT,), partial(network.build, LATENT, shape, condition)
    elif isinstance(network, Translator):
        read, build = shape, partial(network.build, shape, shape, condition)
    else:
        assert isinstance(network, Discriminator)  # the third family of networks
        read = network.packed_shape(shape)
        build = partial(network.build, read, condition)

    def arguments() -> tuple[Any, ...]:
        (values,) = _seeded(samples, *read)()
        noise = (torch.Generator().manual_seed(2),) if uses_noise(network) else ()
        return (values.tanh() if len(read) == 3 else values, conditions(kind, samples), *noise)

    return Trial(
        f"for samples {shape}" + (f" and {condition.describe()}" if condition else ""),
        samples,
        lambda: parametrized(build(), network),
        arguments,
        None if isinstance(network, Discriminator) else (samples, *shape),
    )


def uses_noise(network: Network | None) -> bool:
    """Return whether a network takes a random source besides its other inputs."""
    return isinstance(network, Generator) and network.uses_noise


def changed(component: Any, **fields: Any) -> Any:
    """Return a component with other fields, validated anew."""
    data = component.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return type(component).model_validate({**data, **fields})


def accepted(network: Network, options: Options) -> list[tuple[Shape, ConditionKind | None]]:
    """Return shapes of samples and kinds of condition that a network's ``check`` lets pass.

    All shapes come with one kind, and the first of them with all that the network accepts.
    """
    kinds: list[ConditionKind | None] = [None]
    if network.conditional:
        kinds = [kind for kind in KINDS if kind in network.accepts]
    found: list[tuple[Shape, ConditionKind | None]] = []
    for shape in options.sample_shapes:
        tried = kinds if not found else kinds[:1]
        found += [(shape, kind) for kind in tried if passes(ask, network, shape, kind, options)]
    return found


def accepted_layers(normalization: Normalization) -> list[tuple[int, int]]:
    """Return the channels and further axes that a normalization's ``check`` lets pass."""
    candidates = [(16, 0), (16, 2), (60, 0), (60, 2)]
    return [layer for layer in candidates if passes(normalization.check, *layer)]


def ask(component: Any, shape: Shape, kind: ConditionKind | None, options: Options) -> Any:
    """Return what a component's ``check`` says of samples of a shape, with conditions of a kind."""
    condition = condition_of(kind)
    if isinstance(component, Translator):
        return component.check_source(shape, shape, condition)
    if isinstance(component, Discriminator):
        return component.check(component.packed_shape(shape), condition)
    if isinstance(component, Generator):
        return component.check(shape, condition)
    if isinstance(component, FeatureExtractor):
        return component.check(shape)
    setting = setting_of(shape, kind, options)
    if isinstance(component, Algorithm):
        return list(component.check(setting.data, Training()))
    return component.check(setting)


def setting_of(
    shape: Shape, kind: ConditionKind | None, options: Options, *, translated: bool = False
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
