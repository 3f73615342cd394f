"""Paths through latent space, as arrays of latents to generate samples from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Latents = npt.NDArray[np.floating[Any]]


def traverse(latent: Latents, dimensions: Sequence[int], values: Sequence[float]) -> Latents:
    """Set one coordinate of a latent (dim,) at a time, counted from 0, to each of several values.

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
    """Interpolate between two sets of latents (N, dim) along straight lines.

    Returns:
        (N, steps, dim), both ends included; there must be at least 2 steps.
    """
    fraction = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    return begin[:, None] * (1 - fraction) + end[:, None] * fraction


def interpolate_spherically(begin: Latents, end: Latents, steps: int) -> Latents:
    """Interpolate along arcs, which stay where high-dimensional normals have their mass.

    The ends may differ in length. Latents in nearly the same or nearly opposite directions do not
    define an arc and are joined by straight lines (White, Sampling Generative Networks, 2016,
    arXiv:1609.04468). Shapes are those of ``interpolate_linearly``.
    """
    lengths = np.linalg.norm(begin, axis=1) * np.linalg.norm(end, axis=1)
    cosine = (begin * end).sum(axis=1) / np.maximum(lengths, np.finfo(begin.dtype).tiny)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    fraction = np.linspace(0, 1, steps, dtype=begin.dtype)[None, :, None]
    sine = np.sin(angle)
    straight = (sine < 1e-3) | (lengths == 0)[:, None, None]
    sine = np.where(straight, 1, sine)
    of_begin, of_end = np.sin((1 - fraction) * angle), np.sin(fraction * angle)
    arcs = (begin[:, None] * of_begin + end[:, None] * of_end) / sine
    return np.where(straight, interpolate_linearly(begin, end, steps), arcs).astype(begin.dtype)
