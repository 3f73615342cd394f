"""What the latent space of a run is like, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ganzoo.components import FeatureExtractor
from ganzoo.errors import UsageError
from ganzoo_latents.directions import Directions, ganspace, sefa
from ganzoo_latents.effects import (
    Effect,
    Smoothness,
    ValueEffect,
    brightness,
    classifier,
    effects,
    smoothness,
    value_effects,
)
from ganzoo_latents.space import LatentSpace

METHODS = {"sefa": sefa, "ganspace": ganspace}

VALUE_LATENTS = 8
"""Times as many latents for values and path lengths, which take few images each."""


@dataclass(frozen=True)
class Found:
    """Directions of one method with their effects, or why there are none."""

    directions: Directions | None
    effects: Sequence[Effect]
    reason: str | None = None


@dataclass(frozen=True)
class Analysis:
    """What was measured.

    Attributes:
        run: name of the run.
        latents: how many latents coordinates and directions were measured on.
        extractor: name of the classifier, or None.
        brightness: mean of pixels of unchanged images, from 0 (black) to 1.
        coordinates: effect of each coordinate, in order.
        directions: what each method found.
        values: effects of setting one coordinate to the report's values.
        smoothness: how evenly images change between latents.
    """

    run: str
    latents: int
    extractor: str | None
    brightness: float
    coordinates: Sequence[Effect]
    directions: dict[str, Found]
    values: Sequence[ValueEffect]
    smoothness: Smoothness

    @property
    def order(self) -> list[int]:
        """The coordinates, the one with the largest effect first."""
        changes = [each.change for each in self.coordinates]
        return sorted(range(len(changes)), key=lambda index: -changes[index])

    def to_json(self) -> dict[str, Any]:
        """Return plain data; coordinates are in order of their effect."""
        directions: dict[str, Any] = {}
        for name, found in self.directions.items():
            if found.directions is None:
                directions[name] = {"reason": found.reason}
                continue
            rows = zip(
                found.effects, found.directions.shares, found.directions.vectors, strict=True
            )
            directions[name] = [
                {
                    **asdict(effect),
                    "share": share,
                    "vector": [float(f"{value:.6g}") for value in vector.tolist()],
                }
                for effect, share, vector in rows
            ]
        return {
            "format": "ganzoo-latent-analysis-1",
            "run": self.run,
            "latents": self.latents,
            "extractor": self.extractor,
            "brightness": self.brightness,
            "coordinates": [
                {"coordinate": index, **asdict(self.coordinates[index])} for index in self.order
            ],
            "directions": directions,
            "values": [asdict(each) for each in self.values],
            "smoothness": asdict(self.smoothness),
        }


def analyze(
    space: LatentSpace, *, latents: int, directions: int, extractor: FeatureExtractor | None = None
) -> Analysis:
    """Measure the latent space of a run; the same call gives the same numbers.

    Raises:
        UsageError: the extractor is not a classifier, or cannot read the images.
    """
    classify = None if extractor is None else classifier(extractor, space)
    coordinates = effects(space, torch.eye(space.dim), latents, classify, "coordinates")
    found = {}
    for name, method in METHODS.items():
        try:
            chosen = method(space, min(directions, space.dim))
        except UsageError as error:
            found[name] = Found(None, (), str(error))
            continue
        found[name] = Found(chosen, effects(space, chosen.vectors, latents, classify, name))
    several = VALUE_LATENTS * latents
    unchanged = space.render(space.latents(several), space.conditions(several))
    return Analysis(
        run=space.run.path.resolve().name,
        latents=latents,
        extractor=None if extractor is None else extractor.label,
        brightness=brightness(unchanged),
        coordinates=coordinates,
        directions=found,
        values=value_effects(space, several, classify),
        smoothness=smoothness(space, several),
    )


def observations(analysis: Analysis) -> list[str]:
    """Answer what the course report observed, with the numbers measured."""
    first, last = analysis.values[0], analysis.values[-1]
    changes = [each.change for each in analysis.coordinates]
    weakest = min(changes)
    ratio = f"{max(changes) / weakest:.2g} times" if weakest else "infinitely many times"
    lines = [
        f"Small values are hard to see: at {first.value:g}, {first.invisible:.0%} of the images change"
        f" by less than one grey level, and the mean change is {first.change:.2%} of the range.",
        f"Extreme values change the brightness from {analysis.brightness:.2f} to {last.brightness:.2f}:"
        f" at {last.value:g}, {last.darker:.0%} of the images are darker.",
        f"Coordinates are uneven: the strongest changes images {ratio} as much as the weakest.",
    ]
    turned = [each for each in analysis.values if each.class_changes is not None]
    if turned:
        words = ", ".join(f"{each.class_changes:.0%} at {each.value:g}" for each in turned)
        lines.insert(1, f"Large values turn one class into another: the class changes in {words}.")
    kept = [each.class_changes for each in analysis.coordinates if each.class_changes is not None]
    if kept:
        none = sum(each == 0 for each in kept)
        lines.append(
            f"Between -2 and 2 standard deviations, {none} of {len(kept)} coordinates change no class;"
            f" the one that does most changes {max(kept):.0%}."
        )
    return lines
