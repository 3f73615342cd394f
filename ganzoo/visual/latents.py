"""Ways through latent space, as arrays of latents to make samples from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Latents = npt.NDArray[np.floating[Any]]


def traverse(latent: Latents, dimensions: Sequence[int], values: Sequence[float]) -> Latents:
    """Set one coordinate at a time to each of some values.

    Args:
        latent: (dim,), where all other coordinates come from.
        dimensions: indices of the coordinates, from 0.
        values: what each is set to.

    Returns:
        (len(dimensions) * len(values), dim), dimension by dimension.

    Raises:
        IndexError: there is no such coordinate.
    """
    ways = np.tile(latent, (len(dimensions), len(values), 1))
    for row, dimension in enumerate(dimensions):
        ways[row, :, dimension] = values
    return ways.reshape(-1, latent.shape[-1])


def interpolate_linearly(begin: Latents, end: Latents, steps: int) -> Latents:
    """Go from one set of latents to another in straight lines.

    Args:
        begin: (N, dim).
        end: (N, dim).
        steps: latents on each line, both ends among them; at least 2.

    Returns:
        (N, steps, dim).
    """
    share = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    return begin[:, None] * (1 - share) + end[:, None] * share


def interpolate_spherically(begin: Latents, end: Latents, steps: int) -> Latents:
    """Go from one set of latents to another in arcs, where high-dimensional normals have their mass.

    The ends may differ in length; latents of nearly one direction, or nearly opposite ones, have no
    arc of their own and are joined by straight lines (White, Sampling Generative Networks, 2016,
    arXiv:1609.04468).

    Args:
        begin: (N, dim).
        end: (N, dim).
        steps: latents on each arc, both ends among them; at least 2.

    Returns:
        (N, steps, dim).
    """
    lengths = np.linalg.norm(begin, axis=1) * np.linalg.norm(end, axis=1)
    cosine = (begin * end).sum(axis=1) / np.maximum(lengths, np.finfo(begin.dtype).tiny)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    share = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    sine = np.sin(angle)
    straight = (sine < 1e-3) | (lengths == 0)[:, None, None]
    sine = np.where(straight, 1, sine)
    arcs = (
        begin[:, None] * np.sin((1 - share) * angle) + end[:, None] * np.sin(share * angle)
    ) / sine
    return np.where(straight, interpolate_linearly(begin, end, steps), arcs).astype(begin.dtype)
