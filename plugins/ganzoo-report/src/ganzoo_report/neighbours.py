"""Generated images beside the training images that are most like them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganzoo.components import Images
from ganzoo.opened import Run
from ganzoo.runs import RunDirectory
from ganzoo_report.pictures import Picture, address

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

SHOWN = 8
"""Generated images whose nearest training image is shown: the first ones of seed 0."""

COMPARED = 64
"""Training images whose own nearest neighbour says how far apart images of the set are."""

MOST_BYTES = 2**30
"""Of training images that are searched; of larger sets as many of them, drawn at random."""

CHUNK = 2048
"""Training images compared at a time."""

TILE = 96
"""Pixels per side to which small images are enlarged, and large ones shrunk."""


@dataclass(frozen=True)
class Pair:
    """A generated image, the nearest training image, and their distance."""

    generated: Picture
    nearest: Picture
    distance: float


@dataclass(frozen=True)
class Neighbours:
    """Pairs, and what their distances are to be compared with.

    Attributes:
        pairs: each generated image with the nearest training image.
        searched: how many training images were compared.
        total: how many there are.
        usual: median distance of some training images to the nearest other one.
    """

    pairs: list[Pair]
    searched: int
    total: int
    usual: float | None


def data_bytes(run: RunDirectory) -> float:
    """Return how many bytes the training images have, as the run recorded; infinite if it did not."""
    data: Any = run.environment().get("data")
    try:
        return float(math.prod([data["samples"], *data["shape"]]))
    except (TypeError, KeyError):
        return math.inf


def nearest_images(run: RunDirectory) -> Neighbours | None:
    """Return generated images with the nearest training images, by pixels; None without images.

    Raises:
        ganzoo.errors.GanzooError: the run has no generator yet, or its data are not there.
    """
    import numpy as np

    opened = Run(run)
    space = opened.info.samples
    if not isinstance(space, Images):
        return None
    generated = space.encode(opened.sample(SHOWN).numpy())
    samples = run.spec.dataset.build_training().samples
    rng = np.random.default_rng(0)
    most = max(COMPARED, MOST_BYTES // math.prod(samples.shape[1:]))
    chosen = np.sort(rng.permutation(len(samples))[:most])
    probes = np.sort(rng.permutation(chosen)[:COMPARED])
    scale = float(np.iinfo(samples.dtype).max)
    own = np.concatenate([np.full(len(generated), -1), probes])
    which, distances = _nearest(np.concatenate([generated, samples[probes]]), own, samples, chosen)
    distances = distances / scale
    pairs = [
        Pair(
            _tile(generated[index], f"Generated image {index + 1}"),
            _tile(
                samples[which[index]], f"The training image nearest to generated image {index + 1}"
            ),
            float(distances[index]),
        )
        for index in range(len(generated))
    ]
    others = distances[len(generated) :]
    usual = float(np.median(others)) if len(samples) > 1 else None
    return Neighbours(pairs, len(chosen), len(samples), usual)


def _nearest(
    queries: npt.NDArray[Any],
    own: npt.NDArray[np.int64],
    samples: npt.NDArray[Any],
    chosen: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the nearest of the chosen samples to each query and the root mean square difference.

    ``own`` has the sample that a query is, which does not count, or -1.
    """
    import numpy as np

    flat = queries.reshape(len(queries), -1).astype(np.float32)
    which = np.zeros(len(flat), dtype=np.int64)
    least = np.full(len(flat), np.inf, dtype=np.float32)
    norms = np.einsum("nd,nd->n", flat, flat)
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        part = samples[rows].reshape(len(rows), -1).astype(np.float32)
        squared = norms[:, None] + np.einsum("md,md->m", part, part) - 2 * flat @ part.T
        squared[own[:, None] == rows] = np.inf
        at = squared.argmin(axis=1)
        value = squared[np.arange(len(flat)), at]
        better = value < least
        which[better], least[better] = rows[at[better]], value[better]
    return which, np.sqrt(np.maximum(least, 0) / flat.shape[1])


def _tile(sample: npt.NDArray[Any], words: str) -> Picture:
    from PIL import Image

    from ganzoo.utils.images import to_image

    image = to_image(sample)
    if max(image.size) > TILE:
        image.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGB")
    return Picture(address(image), words, image.width, image.height)
