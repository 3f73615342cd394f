"""What a component builds, together with inputs that it must serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ganzoo.components import (
    Activation,
    Component,
    Discriminator,
    Generator,
    Latent,
    Network,
    Normalization,
)
from ganzoo.testing.faults import require
from ganzoo.testing.tiny import BATCH, CHANNELS, CLASSES, LATENT

SampleShapes = tuple[tuple[int, ...], ...]
Change = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Trial:
    """Something that a component builds, and inputs for it.

    Attributes:
        where: what the inputs are, in words, such as "for samples (1, 28, 28)".
        construct: builds the module.
        arguments: gives its inputs, the same each time; tensors are new ones.
    """

    where: str
    construct: Callable[[], nn.Module]
    arguments: Callable[[], tuple[Any, ...]]

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
            change: applied to each input of floating-point numbers.
            seed: of what it draws from torch.
        """
        arguments = self.arguments()
        if change is not None:
            arguments = tuple(change(each) if _is_floating(each) else each for each in arguments)
        torch.manual_seed(seed)
        output = module(*arguments)
        require(
            isinstance(output, torch.Tensor),
            f"the output {self.where} is a {type(output).__name__}; it must be one tensor",
        )
        result: torch.Tensor = output
        return result


def _is_floating(argument: object) -> bool:
    return isinstance(argument, torch.Tensor) and argument.is_floating_point()


def trials(
    component: Component, sample_shapes: SampleShapes, samples: int = BATCH
) -> Iterator[Trial]:
    """Yield what a component builds for each kind of input that it accepts.

    Args:
        component: a network, a latent, a normalization or an activation.
        sample_shapes: shapes of samples to try networks with.
        samples: how many samples the inputs have.
    """
    if isinstance(component, Network):
        for shape in accepted_shapes(component, sample_shapes):
            yield _network(component, shape, samples)
    elif isinstance(component, Normalization):
        for channels, dimensions in accepted_layers(component):
            yield Trial(
                f"for {channels} channels and {dimensions} further axes",
                lambda channels=channels, dimensions=dimensions: component.build(  # type: ignore[misc] # mypy does not infer defaults
                    channels, dimensions
                ),
                _seeded(samples, channels, *[6, 6][:dimensions]),
            )
    elif isinstance(component, Activation):
        for shape in ((7,), (CHANNELS, 6, 6)):
            yield Trial(f"for {samples} x {shape}", component.build, _seeded(samples, *shape))
    elif isinstance(component, Latent):
        yield Trial(
            f"for {samples} latents",
            component.build,
            lambda: (samples, torch.Generator().manual_seed(2)),
        )


def accepted_shapes(network: Network, sample_shapes: SampleShapes) -> list[tuple[int, ...]]:
    """Return the shapes of samples that a network's ``check`` lets pass."""
    classes = CLASSES if network.conditional else None
    return [shape for shape in sample_shapes if _passes(network.check, shape, classes)]


def accepted_layers(normalization: Normalization) -> list[tuple[int, int]]:
    """Return the channels and further axes that a normalization's ``check`` lets pass."""
    candidates = [(16, 0), (16, 2), (60, 0), (60, 2)]
    return [layer for layer in candidates if _passes(normalization.check, *layer)]


def _passes(check: Callable[..., None], *arguments: Any) -> bool:
    try:
        check(*arguments)
    except ValueError:
        return False
    return True


def _network(network: Network, shape: tuple[int, ...], samples: int) -> Trial:
    classes = CLASSES if network.conditional else None
    labels = torch.arange(samples) % CLASSES if network.conditional else None
    where = f"for samples {shape}"
    if isinstance(network, Generator):
        inputs = _seeded(samples, LATENT)
        return Trial(
            where, lambda: network.build(LATENT, shape, classes), lambda: (*inputs(), labels)
        )
    if not isinstance(network, Discriminator):
        raise TypeError(f"{network.type!r} is neither a generator nor a discriminator")
    values = _seeded(samples, *shape)
    return Trial(
        where,
        lambda: network.build(shape, classes),
        lambda: (values()[0].tanh() if len(shape) == 3 else values()[0], labels),
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


def few(names: list[str], limit: int = 3) -> str:
    """Return names for a sentence, the first few of them where they are many."""
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")
