"""Paths through latent space, as arrays of latents to generate samples from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Latents = npt.NDArray[np.floating[Any]]


def traverse(latent: Latents, dimensions: Sequence[int], values: Sequence[float]) -> Latents:
    """Set one coordinate at a time to each of several values.

    Args:
        latent: (dim,), the values of all other coordinates.
        dimensions: indices of the coordinates, counted from 0.
        values: what each coordinate is set to.

    Returns:
        (len(dimensions) * len(values), dim), dimension by dimension.

    Raises:
        IndexError: a coordinate does not exist.
    """
    paths = np.tile(latent, (len(dimensions), len(values), 1))
    for row, dimension in enumerate(dimensions):
        paths[row, :, dimension] = values
    return paths.reshape(-1, latent.shape[-1])


def interpolate_linearly(begin: Latents, end: Latents, steps: int) -> Latents:
    """Interpolate between two sets of latents along straight lines.

    Args:
        begin: (N, dim).
        end: (N, dim).
        steps: number of latents on each line, both ends included; at least 2.

    Returns:
        (N, steps, dim).
    """
    fraction = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    return begin[:, None] * (1 - fraction) + end[:, None] * fraction


def interpolate_spherically(begin: Latents, end: Latents, steps: int) -> Latents:
    """Interpolate along arcs, which stay where high-dimensional normals have their mass.

    The ends may differ in length. Latents in nearly the same or nearly opposite directions do not
    define an arc and are joined by straight lines (White, Sampling Generative Networks, 2016,
    arXiv:1609.04468).

    Args:
        begin: (N, dim).
        end: (N, dim).
        steps: number of latents on each arc, both ends included; at least 2.

    Returns:
        (N, steps, dim).
    """
    lengths = np.linalg.norm(begin, axis=1) * np.linalg.norm(end, axis=1)
    cosine = (begin * end).sum(axis=1) / np.maximum(lengths, np.finfo(begin.dtype).tiny)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    fraction = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    sine = np.sin(angle)
    straight = (sine < 1e-3) | (lengths == 0)[:, None, None]
    sine = np.where(straight, 1, sine)
    arcs = (
        begin[:, None] * np.sin((1 - fraction) * angle) + end[:, None] * np.sin(fraction * angle)
    ) / sine
    return np.where(straight, interpolate_linearly(begin, end, steps), arcs).astype(begin.dtype)
