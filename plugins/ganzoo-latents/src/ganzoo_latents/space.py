"""The latent space of a run: latents, moves among them, and the images that they give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import Images
from ganzoo.errors import UsageError
from ganzoo.opened import Run
from ganzoo.runs.generator import load_sampler
from ganzoo.runs.history import checkpoint_step
from ganzoo.sampling import Inputs, Sampler, draw_latents

DRAWN = 4096
"""Latents from which the mean and the spread of the distribution are estimated."""

CHUNK = 64
"""Images generated in one pass of the network."""

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LatentSpace:
    """The latents of a run and the images that its generator turns them into.

    Noise that a generator injects is the same for every image, so that images differ only by what they
    are generated from.
    """

    run: Run
    truncation: float | None = None

    @classmethod
    def of(cls, run: Run, truncation: float | None = None) -> LatentSpace:
        """Return the latent space of a run, truncated as ``ganzoo sample`` does it, or not.

        Raises:
            UsageError: it does not generate images.
            RunError: it does not generate from latents.
        """
        _ = run.latent_dim
        if not isinstance(run.info.samples, Images):
            raise UsageError(f"{run.path}: generates {run.info.samples.kind}, not images")
        return cls(run, truncation)

    @cached_property
    def sampler(self) -> Sampler:
        """What generates; a RunError where it cannot be truncated so."""
        if self.truncation is None:
            return self.run.sampler
        step = checkpoint_step(self.run.directory, self.run.checkpoint)
        return load_sampler(self.run.directory, step, truncation=self.truncation).sampler

    def latents(self, count: int, seed: int = 0) -> torch.Tensor:
        """Return the first latents of a seed (count, dim)."""
        return draw_latents(self.sampler, range(count), seed)

    @property
    def dim(self) -> int:
        """Number of latent coordinates."""
        return self.run.latent_dim

    @property
    def images(self) -> Images:
        """What the images are."""
        space = self.run.info.samples
        assert isinstance(space, Images)  # `of` saw to it
        return space

    @cached_property
    def _drawn(self) -> torch.Tensor:
        return self.latents(DRAWN).double()

    @cached_property
    def center(self) -> torch.Tensor:
        """The mean latent (dim,)."""
        return self._drawn.mean(dim=0).float()

    def spread(self, directions: torch.Tensor) -> torch.Tensor:
        """Return the standard deviation of latents along each unit direction (K, dim)."""
        projected = (self._drawn - self._drawn.mean(dim=0)) @ directions.double().T
        return projected.std(dim=0).float()

    def conditions(self, count: int, label: int | None = None) -> torch.Tensor | None:
        """Return a condition for each of some images: of one class, or what sampling takes by itself."""
        if label is not None:
            return torch.full((count,), label, dtype=torch.int64)
        return self.sampler.default_condition(range(count))

    def generate(self, latents: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """Return images (N, C, H, W), in [-1, 1], through which gradients flow to the latents."""
        if not getattr(self.sampler, "uses_noise", False):
            return self.forward(latents, condition)
        rows = [slice(row, row + 1) for row in range(len(latents))]
        return torch.cat(
            [
                self.forward(latents[row], None if condition is None else condition[row])
                for row in rows
            ]
        )

    def forward(self, latents: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """Return images as ``generate`` does, in one pass; each has noise of its own."""
        network = self.sampler.network
        like = next(network.parameters(), torch.empty(0))
        if condition is not None and condition.is_floating_point():
            condition = condition.to(like.dtype)
        inputs = Inputs(latents.to(like.dtype), condition)
        samples: torch.Tensor = self.sampler(inputs, torch.Generator().manual_seed(0))
        return samples.float()

    @torch.no_grad()
    def render(self, latents: torch.Tensor, condition: torch.Tensor | None) -> Pixels:
        """Return images (N, C, H, W) clamped to [-1, 1]; what is not finite is black."""
        parts = []
        for begin in range(0, len(latents), CHUNK):
            part = slice(begin, begin + CHUNK)
            told = None if condition is None else condition[part]
            parts.append(self.generate(latents[part], told).numpy())
        pixels: Pixels = np.clip(np.nan_to_num(np.concatenate(parts), nan=-1), -1, 1)
        return pixels

    def moved(self, latents: torch.Tensor, direction: torch.Tensor, place: Any) -> torch.Tensor:
        """Return latents (N, dim) moved along a unit direction to a place, in units from the mean.

        A place is one number, or one for each latent. What is at right angles to the direction stays.
        """
        along = (latents - self.center) @ direction
        shift = torch.as_tensor(place, dtype=latents.dtype) - along
        return latents + shift[:, None] * direction
