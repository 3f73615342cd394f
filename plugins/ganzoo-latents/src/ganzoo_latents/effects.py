"""What moving along a direction does to images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import FeatureExtractor
from ganzoo.errors import UsageError
from ganzoo.evaluation.features import BuiltExtractor
from ganzoo.utils.images import to_uint8
from ganzoo.utils.progress import chunks
from ganzoo_latents.paths import interpolate_spherically
from ganzoo_latents.space import LatentSpace, Pixels

PLACES = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Where latents are moved to, in standard deviations from the mean."""

REPORT_VALUES = (0.3, 1.0, 3.0, 10.0, 30.0, 810.0, 114514.0)
"""Values that a coordinate is set to by hand in the course report behind the recipe fc-fashion."""

VISIBLE = 1 / 255
"""Mean change of pixels, as a fraction of their range, below which two images look the same."""

EPSILON = 1e-3
"""Step along a path whose length is measured."""

Classify = Callable[[Pixels], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Effect:
    """What a direction does, over latents moved from -2 to 2 standard deviations along it.

    Attributes:
        change: mean absolute change of pixels per standard deviation, as a fraction of their range.
        class_changes: fraction of the latents whose class does not stay the same; None without classes.
    """

    change: float
    class_changes: float | None


@dataclass(frozen=True)
class ValueEffect:
    """What setting one coordinate to a value does, over latents and coordinates.

    Attributes:
        value: what the coordinate is set to.
        change: mean absolute change of pixels, as a fraction of their range.
        invisible: fraction of images that change by less than one of 255 grey levels.
        class_changes: fraction of images whose class changes; None without classes.
        brightness: mean of pixels, from 0 (black) to 1.
        darker: fraction of images that become darker.
    """

    value: float
    change: float
    invisible: float
    class_changes: float | None
    brightness: float
    darker: float


def classifier(component: FeatureExtractor, space: LatentSpace) -> Classify:
    """Return what tells the class of images.

    Raises:
        UsageError: the extractor is not a classifier, or cannot read such images.
    """
    if not component.classifies:
        raise UsageError(f"extractor {component.type!r} is not a classifier; choose one that is")
    try:
        component.check_space(space.images)
    except ValueError as error:
        raise UsageError(str(error)) from None
    network = BuiltExtractor.of(component, space.images.shape, torch.device("cpu")).network

    @torch.no_grad()
    def classify(images: Pixels) -> npt.NDArray[np.int64]:
        _, logits = network(torch.from_numpy(to_uint8(images)))
        classes: npt.NDArray[np.int64] = logits.argmax(dim=1).numpy()
        return classes

    return classify


def effects(
    space: LatentSpace,
    directions: torch.Tensor,
    count: int,
    classify: Classify | None = None,
    what: str = "directions",
) -> list[Effect]:
    """Return the effect of each unit direction (K, dim), over the first latents of seed 0."""
    starts, condition = space.latents(count), space.conditions(count)
    spread = space.spread(directions)
    found = []
    for each in chunks(len(directions), 1, f"measuring {what}"):
        direction, unit = directions[each.start], spread[each.start]
        frames = [
            space.render(space.moved(starts, direction, place * unit), condition)
            for place in PLACES
        ]
        steps = [np.abs(after - before).mean() for before, after in pairwise(frames)]
        changed = None
        if classify is not None:
            classes = np.stack([classify(frame) for frame in frames])
            changed = float((classes != classes[0]).any(axis=0).mean())
        found.append(Effect(float(np.mean(steps)) / 2, changed))
    return found


def value_effects(
    space: LatentSpace,
    count: int,
    classify: Classify | None = None,
    values: Sequence[float] = REPORT_VALUES,
) -> list[ValueEffect]:
    """Return what setting one coordinate of a latent does; coordinates take turns among latents."""
    starts, condition = space.latents(count), space.conditions(count)
    rows, coordinates = torch.arange(count), torch.arange(count) % space.dim
    before = space.render(starts, condition)
    classes = None if classify is None else classify(before)
    found = []
    for value in values:
        latents = starts.clone()
        latents[rows, coordinates] = value
        after = space.render(latents, condition)
        change = np.abs(after - before).mean(axis=(1, 2, 3)) / 2
        brighter = (after - before).mean(axis=(1, 2, 3))
        found.append(
            ValueEffect(
                value=value,
                change=float(change.mean()),
                invisible=float((change < VISIBLE).mean()),
                class_changes=None
                if classify is None
                else float((classify(after) != classes).mean()),
                brightness=brightness(after),
                darker=float((brighter < 0).mean()),
            )
        )
    return found


def brightness(images: Pixels) -> float:
    """Return the mean of pixels, from 0 (black) to 1."""
    return float((images.mean() + 1) / 2)


@dataclass(frozen=True)
class Smoothness:
    """Perceptual path length (Karras et al., 2019, arXiv:1812.04948), in pixels in place of LPIPS.

    Attributes:
        path_length: mean over pairs of latents, and places on the arc between them, of the squared
            distance of images a small step apart, divided by the squared step. The distance is the mean
            square of pixels in [-1, 1]. As published, the lowest and the highest percent are left out.
        unevenness: the 95th percentile divided by the median; 1 if images change evenly.
    """

    path_length: float
    unevenness: float


def smoothness(space: LatentSpace, count: int) -> Smoothness:
    """Return how evenly images change between the first latents of seeds 0 and 1."""
    begin, end = (space.latents(count, seed).double().numpy() for seed in (0, 1))
    places = np.random.default_rng(0).uniform(size=count)
    way = [_between(begin, end, places + shift) for shift in (-EPSILON / 2, EPSILON / 2)]
    condition = space.conditions(count)
    first, second = (space.render(torch.from_numpy(each).float(), condition) for each in way)
    lengths = np.square((second - first).astype(np.float64)).mean(axis=(1, 2, 3)) / EPSILON**2
    low, high = np.quantile(lengths, [0.01, 0.99])
    kept = lengths[(lengths >= low) & (lengths <= high)]
    median = float(np.median(lengths))
    return Smoothness(
        float(kept.mean()), float(np.quantile(lengths, 0.95)) / median if median else float("inf")
    )


def _between(
    begin: npt.NDArray[np.float64], end: npt.NDArray[np.float64], places: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the point at each place, 0 to 1, on the arc between two latents (N, dim)."""
    return np.concatenate(
        [
            interpolate_spherically(begin[[row]], end[[row]], places[[row]])[0]
            for row in range(len(begin))
        ]
    )
