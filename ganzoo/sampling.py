"""Samples from trained networks, each determined by the seed and its index alone.

An algorithm provides a *sampler*: the module whose weights are averaged, written to
``generator.safetensors`` and used for grids, ``ganzoo sample`` and evaluation. Its input is whatever the
algorithm generates from: latents, conditions, source images.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ganzoo.components import Condition
from ganzoo.data.split import Split, as_tensor
from ganzoo.utils.seeds import derive_seed

BLOCK = 64
"""Latents, noise and conditions are drawn in blocks of this size, each from a seed of its own."""

Rows = slice | npt.NDArray[np.int64]
"""Which rows of a split: a range of them, or their numbers."""


@dataclass(frozen=True)
class Inputs:
    """What N samples are generated from; row i of each tensor belongs to sample i.

    Attributes:
        latents: (N, dim), or None for samplers without latents.
        condition: (N,) int64 or (N, k) float32, or None for unconditional samplers.
        source: (N, *source_shape) in [-1, 1] for images, or None for samplers that do not translate.
        count: N, where there is no tensor that tells it: for samplers that generate from noise alone.
    """

    latents: torch.Tensor | None = None
    condition: torch.Tensor | None = None
    source: torch.Tensor | None = None
    count: int = 0

    def __len__(self) -> int:
        given = (self.latents, self.source, self.condition)
        return next((len(each) for each in given if each is not None), self.count)

    def rows(self, chosen: torch.Tensor, like: torch.Tensor) -> Inputs:
        """Return some rows, on the device and in the number format of another tensor."""

        def move(tensor: torch.Tensor | None) -> torch.Tensor | None:
            if tensor is None:
                return None
            rows = tensor[chosen].to(like.device)
            return rows.to(like.dtype) if rows.is_floating_point() else rows

        latents, condition, source = map(move, (self.latents, self.condition, self.source))
        return Inputs(latents, condition, source, len(chosen))


class Sampler(nn.Module, ABC):
    """What the samples of a run are generated with.

    Attributes:
        latent_dim: number of latent coordinates, or None where samples are not generated from latents.
        condition: what the network is told of each sample, or None.
        translates: whether samples are generated from sources.
    """

    latent_dim: int | None = None
    translates: bool = False
    examples: torch.Tensor | None

    def __init__(self, condition: Condition | None = None) -> None:
        super().__init__()
        self.condition = condition
        vectors = condition is not None and condition.kind != "classes"
        # Real conditions to sample with where nobody names others: classes are simply counted.
        size = condition.size if vectors and condition is not None else 0
        self.register_buffer("examples", torch.zeros(BLOCK, size) if vectors else None)

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The network that generates: the generator, or the translator."""

    @abstractmethod
    def forward(self, inputs: Inputs, rng: torch.Generator) -> torch.Tensor:
        """Generate ``len(inputs)`` samples; what is random in them is drawn from ``rng``."""

    def draw_latents(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw latents (n, dim) on the device of ``rng``.

        Raises:
            ValueError: samples are not generated from latents.
        """
        del n, rng
        raise ValueError("samples of this run are not generated from latents")

    def default_condition(self, indices: range) -> torch.Tensor | None:
        """Return conditions for some samples: all classes in turn, or conditions of real samples."""
        numbers = torch.arange(indices.start, indices.stop)
        if self.condition is None:
            return None
        if self.examples is None:
            return numbers % self.condition.size
        return self.examples.cpu()[numbers % len(self.examples)]

    def ready(self) -> Self:
        """Return a copy to sample with, in evaluation mode; the networks in training keep theirs."""
        return copy.deepcopy(self).eval().requires_grad_(False)

    def move(self, device: torch.device) -> Self:
        """Move what generates samples to a device; what is drawn stays on the CPU. Return itself."""
        return self.to(device)


class LatentSampler(Sampler):
    """A generator together with the distribution of its latents.

    Args:
        generator: maps ``(z, condition)``, and a random source where ``uses_noise``, to samples.
        latent: maps ``(n, rng)`` to latents (n, dim).
        latent_dim: number of latent coordinates.
        condition: what the generator is told of each sample, or None.
        uses_noise: whether the generator takes a random source.
    """

    def __init__(
        self,
        generator: nn.Module,
        latent: nn.Module,
        latent_dim: int,
        *,
        condition: Condition | None = None,
        uses_noise: bool = False,
    ) -> None:
        super().__init__(condition)
        self.generator, self.latent = generator, latent
        self.latent_dim, self.uses_noise = latent_dim, uses_noise

    @property
    def network(self) -> nn.Module:
        """The generator."""
        return self.generator

    def forward(self, inputs: Inputs, rng: torch.Generator) -> torch.Tensor:
        """Generate samples from latents."""
        noise = (rng,) if self.uses_noise else ()
        samples: torch.Tensor = self.generator(inputs.latents, inputs.condition, *noise)
        return samples

    def draw_latents(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw latents (n, dim) on the device of ``rng``."""
        latents: torch.Tensor = self.latent(n, rng)
        return latents

    def ready(self) -> Self:
        """Return a copy to sample with; a learned prior comes to the CPU, where latents are drawn."""
        twin = super().ready()
        twin.latent.to("cpu")
        return twin

    def move(self, device: torch.device) -> Self:
        """Move the generator to a device. Return itself."""
        self.generator.to(device)
        return self


class TranslatingSampler(Sampler):
    """A translator: samples are generated from sources.

    Args:
        translator: maps ``(source, condition)`` to samples.
        condition: what the translator is told of each sample, or None.
    """

    translates = True

    def __init__(self, translator: nn.Module, condition: Condition | None = None) -> None:
        super().__init__(condition)
        self.translator = translator

    @property
    def network(self) -> nn.Module:
        """The translator."""
        return self.translator

    def forward(self, inputs: Inputs, rng: torch.Generator) -> torch.Tensor:
        """Generate samples from sources."""
        del rng
        samples: torch.Tensor = self.translator(inputs.source, inputs.condition)
        return samples


def draw_latents(sampler: Sampler, indices: range, seed: int) -> torch.Tensor:
    """Return the latents numbered ``indices.start`` to ``indices.stop - 1`` of a seed.

    A latent depends on the seed and its index, not on how many are drawn at once.

    Args:
        sampler: what draws them; its distribution is on the CPU.
        indices: which latents, with step 1.
        seed: the user's seed.

    Returns:
        (len(indices), dim) on the CPU.
    """
    return in_blocks(indices, lambda block: _draw_block(sampler, seed, block))


@torch.no_grad()
def _draw_block(sampler: Sampler, seed: int, block: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(derive_seed(seed, "latents", block))
    return sampler.draw_latents(BLOCK, rng)


def latent_inputs(
    sampler: Sampler, indices: range, seed: int, condition: torch.Tensor | None = None
) -> Inputs:
    """Return the inputs numbered by ``indices`` of a seed, for samplers that do not translate.

    ``condition`` is that of each sample; None for the sampler's default.
    """
    latents = None if sampler.latent_dim is None else draw_latents(sampler, indices, seed)
    if condition is None:
        condition = sampler.default_condition(indices)
    return Inputs(latents, condition, count=len(indices))


def source_inputs(
    sampler: Sampler, split: Split, rows: Rows, condition: torch.Tensor | None = None
) -> Inputs:
    """Return inputs that translate some sources of a split.

    Args:
        sampler: what translates them.
        split: a split of a data set with sources.
        rows: which of them.
        condition: of each; None for their own if the split has them, else for the sampler's default.
    """
    if split.source is None or split.source_space is None:
        raise ValueError("the data set has no sources to translate from")
    source = split.source_space.decode(as_tensor(split.source[rows]), torch.float32)
    if condition is None:
        condition = source_conditions(sampler, split, rows)
    if condition is None:
        condition = sampler.default_condition(range(len(source)))
    return Inputs(condition=condition, source=source)


def source_conditions(sampler: Sampler, split: Split, rows: Rows) -> torch.Tensor | None:
    """Return the conditions of some sources; None where the sampler is told none, or none are known."""
    if sampler.condition is None or split.condition is None or not split.paired:
        return None
    return torch.from_numpy(split.condition[rows])


def in_blocks(indices: range, draw: Callable[[int], torch.Tensor]) -> torch.Tensor:
    """Return rows that are drawn in blocks of ``BLOCK``, each block by its number."""
    if not indices:
        return draw(0)[:0]
    blocks = range(indices.start // BLOCK, (indices.stop - 1) // BLOCK + 1)
    begin = blocks.start * BLOCK
    drawn = torch.cat([draw(block) for block in blocks])
    return drawn[indices.start - begin : indices.stop - begin]


@torch.no_grad()
def generate(
    sampler: Sampler, inputs: Inputs, *, seed: int = 0, start: int = 0
) -> Iterator[torch.Tensor]:
    """Yield samples on the CPU as float32, block after block.

    Blocks are filled up to one size, so that a sample is the same to the last bit however many are
    generated with it.

    Args:
        sampler: in evaluation mode.
        inputs: what to generate from, on any device.
        seed: of the noise that some generators inject.
        start: index of the first sample, a multiple of ``BLOCK``; noise depends on it.
    """
    like = next(sampler.network.parameters(), torch.empty(0))
    for begin in range(0, len(inputs), BLOCK):
        # The last block repeats its last row; what is generated from it is cut off again.
        rows = torch.arange(begin, begin + BLOCK).clamp(max=len(inputs) - 1)
        noise = torch.Generator().manual_seed(derive_seed(seed, "noise", (start + begin) // BLOCK))
        samples = sampler(inputs.rows(rows, like), noise)
        yield samples[: len(inputs) - begin].to("cpu", torch.float32)
