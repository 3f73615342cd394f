"""Latents of given pictures, found by optimization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from PIL import Image, UnidentifiedImageError

from ganzoo.components import Images
from ganzoo.data.images import Mode, fit
from ganzoo.data.split import as_tensor
from ganzoo.errors import DataError, in_a_line
from ganzoo.utils.progress import chunks
from ganzoo_latents.space import LatentSpace, Pixels

CANDIDATES = 256
"""Random latents among which the best are taken to start from."""

LEARNING_RATE = 0.1
"""Of Adam, in standard deviations of the latents; it decreases to 0 along a cosine."""

PRIOR = 1e-4
"""Weight of the latents' mean square, so that they stay where the generator was trained."""

MODES: dict[int, Mode] = {1: "grey", 3: "rgb", 4: "rgba"}


@dataclass(frozen=True)
class Inversion:
    """The latent whose image is nearest to a picture.

    Attributes:
        latent: (dim,).
        label: the class that was found best, or the one asked for; None where there are no classes.
        image: (C, H, W), what is generated from it.
        error: root mean square difference of pixels, as a fraction of the range from black to white.
        errors: those of all starts, best first.
        drawn: the smallest error among random latents, for comparison.
    """

    latent: torch.Tensor
    label: int | None
    image: Pixels
    error: float
    errors: list[float]
    drawn: float


def read_picture(
    source: Path | IO[bytes], images: Images, name: str = ""
) -> tuple[torch.Tensor, str | None]:
    """Return a picture as a generator of such images would give it, and a note if it was resized.

    Raises:
        DataError: it cannot be read, or there is no mode for the number of channels.
    """
    name = name or str(source)
    mode = MODES.get(images.channels)
    if mode is None:
        raise DataError(f"images of {images.channels} channels cannot be read from a picture")
    size = (images.height, images.width)
    try:
        with Image.open(source) as picture:
            found = (picture.height, picture.width)
            pixels = fit(picture, size, mode).astype(images.dtype)
    except (OSError, ValueError, EOFError, Image.DecompressionBombError) as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = getattr(error, "strerror", None) or in_a_line(error)
        reason = "it has no known format" if unknown else reason
        raise DataError(f"{name}: cannot be read as a picture: {reason}") from None
    if images.bits == 16:
        pixels *= 257
    note = None
    if found != size:
        shapes = [f"{width}x{height}" for height, width in (found, size)]
        note = f"{name}: resized from {shapes[0]} to {shapes[1]} pixels"
    return images.decode(as_tensor(pixels[None]), torch.float32)[0], note


def invert(
    space: LatentSpace,
    target: torch.Tensor,
    *,
    condition: torch.Tensor | None = None,
    starts: int = 8,
    steps: int = 300,
    seed: int = 0,
) -> Inversion:
    """Return the latent whose image is nearest to a target (C, H, W).

    The starts are the best of some random latents. A conditional generator tries all classes, or the
    conditions of some real samples, unless one (1, ...) is given. The global random state is neither
    used nor changed.
    """
    candidates = space.latents(max(CANDIDATES, starts), seed)
    told = space.conditions(len(candidates))
    if told is not None and condition is not None:
        told = condition.expand(len(candidates), *condition.shape[1:])
    errors = _rmse(torch.from_numpy(space.render(candidates, told)), target)
    best = errors.argsort()[:starts]
    latents = candidates[best].clone().requires_grad_(True)
    condition = None if told is None else told[best].clone()
    spread = space.spread(torch.eye(space.dim))
    rate = LEARNING_RATE * float(spread.mean())
    optimizer = torch.optim.Adam([latents], lr=rate)
    kept, least = latents.detach().clone(), torch.full((starts,), torch.inf)
    for chunk in chunks(steps + 1, 1, "searching for the latent"):
        optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * chunk.start / steps)) / 2
        optimizer.zero_grad()
        images = space.generate(latents, condition)
        # Beyond black and white there is nothing that a picture could show.
        images = torch.where(target.abs() >= 1, images.clamp(-1, 1), images)
        distance = (images - target).square().flatten(1).mean(dim=1)
        better = distance.detach() < least
        kept[better], least[better] = latents.detach()[better], distance.detach()[better]
        prior = ((latents - space.center) / spread).square().mean(dim=1)
        torch.autograd.backward((distance + PRIOR * prior).sum())
        optimizer.step()
    images = torch.from_numpy(space.render(kept, condition))
    reached = _rmse(images, target)
    first = int(reached.argmin())
    classes = condition is not None and condition.dim() == 1
    return Inversion(
        latent=kept[first],
        label=int(condition[first]) if classes and condition is not None else None,
        image=images[first].numpy(),
        error=float(reached[first]),
        errors=sorted(reached.tolist()),
        drawn=float(errors.min()),
    )


def to_json(
    space: LatentSpace, latent: torch.Tensor, label: int | None, **more: Any
) -> dict[str, Any]:
    """Return a latent as ``--latents`` reads it, with what it belongs to."""
    names = space.run.class_names
    return {
        "format": "ganzoo-latent-1",
        "run": space.run.path.resolve().name,
        "checkpoint": space.run.checkpoint,
        "class": names[label] if label is not None and names else None,
        **more,
        "latent": [float(f"{value:.7g}") for value in latent.tolist()],
    }


def _rmse(images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return root mean square differences (N,), as fractions of the range from -1 to 1."""
    return (images - target).square().flatten(1).mean(dim=1).sqrt() / 2
