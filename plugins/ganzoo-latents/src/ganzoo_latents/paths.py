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


def interpolate_linearly(begin: Latents, end: Latents, steps: int | Latents) -> Latents:
    """Interpolate between two sets of latents (N, dim) along straight lines.

    ``steps`` is how many there are, both ends included, at least 2; or their places, from 0 to 1.

    Returns:
        (N, steps, dim).
    """
    fraction = _places(steps, begin)
    return begin[:, None] * (1 - fraction) + end[:, None] * fraction


def interpolate_spherically(begin: Latents, end: Latents, steps: int | Latents) -> Latents:
    """Interpolate along arcs, which stay where high-dimensional normals have their mass.

    The ends may differ in length. Latents in nearly the same or nearly opposite directions do not
    define an arc and are joined by straight lines (White, Sampling Generative Networks, 2016,
    arXiv:1609.04468). Shapes are those of ``interpolate_linearly``.
    """
    lengths = np.linalg.norm(begin, axis=1) * np.linalg.norm(end, axis=1)
    cosine = (begin * end).sum(axis=1) / np.maximum(lengths, np.finfo(begin.dtype).tiny)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]
    fraction = _places(steps, begin)
    sine = np.sin(angle)
    straight = (sine < 1e-3) | (lengths == 0)[:, None, None]
    sine = np.where(straight, 1, sine)
    of_begin, of_end = np.sin((1 - fraction) * angle), np.sin(fraction * angle)
    arcs = (begin[:, None] * of_begin + end[:, None] * of_end) / sine
    return np.where(straight, interpolate_linearly(begin, end, steps), arcs).astype(begin.dtype)


def _places(steps: int | Latents, like: Latents) -> Latents:
    places = np.linspace(0, 1, steps) if isinstance(steps, int) else steps
    return places.astype(like.dtype)[None, :, None]
