"""Pictures of an analysis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from PIL import Image

from ganzoo.components import FeatureExtractor
from ganzoo.evaluation.features import BuiltExtractor
from ganzoo.utils.images import to_uint8
from ganzoo.utils.progress import chunks
from ganzoo.visual.grids import labelled_grid
from ganzoo_latents.analysis import Analysis
from ganzoo_latents.space import LatentSpace

PLACES = (-4, -3, -2, -1, 0, 1, 2, 3, 4)  # columns of the sheet, in standard deviations

SHOWN = 5  # coordinates, and directions of each method, on the sheet

NEIGHBOURS = 6  # real images beside each generated one

READ = 1024  # real images compared at a time


def effects_figure(analysis: Analysis) -> Figure:
    """Return a figure of the effects of coordinates, directions and values."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    panels = figure.subplot_mosaic([["all", "all"], ["values", "coordinates"]])
    axes, left, right = panels["all"], panels["values"], panels["coordinates"]
    changes = [100 * analysis.coordinates[index].change for index in analysis.order]
    axes.bar(range(len(changes)), changes, width=0.85, color="#1f77b4")
    for (name, found), color in zip(
        analysis.directions.items(), ("#d62728", "#2ca02c"), strict=True
    ):
        levels = [100 * each.change for each in found.effects]
        if levels:
            axes.plot(
                range(len(levels)), levels, "o-", ms=4, color=color, label=f"{name} directions"
            )
    if len(changes) <= 40:
        axes.set_xticks(range(len(changes)), [str(index) for index in analysis.order], fontsize=7)
    axes.set(
        title=f"{analysis.run}: change of pixels per standard deviation",
        xlabel="coordinate, by effect",
        ylabel="% of the range",
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    values = [each.value for each in analysis.values]
    classes = [each.class_changes for each in analysis.values]
    left.plot(
        values, [100 * each.change for each in analysis.values], "o-", label="change of pixels"
    )
    left.plot(values, [100 * each.brightness for each in analysis.values], "s-", label="brightness")
    left.axhline(100 * analysis.brightness, color="grey", lw=0.8, ls=":", label="brightness before")
    if None not in classes:
        left.plot(values, [100 * (each or 0) for each in classes], "^-", label="class changes")
    left.set(
        xscale="log",
        xlabel="value of one coordinate",
        ylabel="%",
        title="One coordinate set by hand",
    )
    left.legend(frameon=False)
    turned = [each.class_changes for each in analysis.coordinates]
    if None in turned:
        right.hist(changes, bins=20, color="#1f77b4")
        right.set(xlabel="% of the range per standard deviation", ylabel="coordinates")
    else:
        spots = [100 * each.change for each in analysis.coordinates]
        right.scatter(spots, [100 * (each or 0) for each in turned], s=14, color="#1f77b4")
        right.set(xlabel="change of pixels, %", ylabel="% of latents whose class changes")
    right.set_title("Coordinates")
    return figure


def directions_sheet(space: LatentSpace, analysis: Analysis) -> Image.Image:
    """Draw one image moved along the strongest coordinates and directions, a row for each."""
    rows: dict[str, torch.Tensor] = {
        f"z[{index}]": torch.eye(space.dim)[index] for index in analysis.order[:SHOWN]
    }
    for name, found in analysis.directions.items():
        if found.directions is not None:
            vectors = found.directions.vectors[:SHOWN]
            rows |= {f"{name}[{number}]": each for number, each in enumerate(vectors)}
    start, condition = space.latents(1), space.conditions(1)
    spread = space.spread(torch.stack(list(rows.values())))
    latents = [
        space.moved(start, direction, place * unit)
        for direction, unit in zip(rows.values(), spread, strict=True)
        for place in PLACES
    ]
    told = None if condition is None else condition.expand(len(latents), *condition.shape[1:])
    images = space.render(torch.cat(latents), told)
    return labelled_grid(images, list(rows), [f"{place:g} sd" for place in PLACES])


def neighbours_sheet(
    space: LatentSpace, extractor: FeatureExtractor | None, count: int = 8
) -> Image.Image:
    """Draw generated images, each beside the nearest ones that were trained on.

    They are the nearest in features, or in pixels where there is no extractor.

    Raises:
        DataError: the data are missing.
    """
    split = space.run.spec.dataset.build_training()
    features = _features(space, extractor)
    images = space.render(space.latents(count), space.conditions(count))
    wanted = features(to_uint8(images))
    kept = min(NEIGHBOURS, len(split))
    nearest = torch.full((count, kept), torch.inf)
    indices = torch.zeros(count, kept, dtype=torch.int64)
    for rows in chunks(len(split), READ, "comparing with training images"):
        real = features(to_uint8(split.samples[rows.start : rows.stop]))
        distances = torch.cdist(wanted, real, compute_mode="donot_use_mm_for_euclid_dist")
        both = torch.cat([nearest, distances], dim=1)
        numbers = torch.arange(rows.start, rows.stop).expand(count, -1)
        nearest, order = both.topk(kept, largest=False)
        indices = torch.cat([indices, numbers], dim=1).gather(1, order)
    tiles: list[Any] = []
    for image, chosen in zip(to_uint8(images), indices.tolist(), strict=True):
        tiles += [image, *(to_uint8(split.samples[index]) for index in chosen)]
    headings = ["generated", "nearest", *[""] * (kept - 1)]
    return labelled_grid(np.stack(tiles), [""] * count, headings[: kept + 1])


def _features(space: LatentSpace, extractor: FeatureExtractor | None) -> Any:
    """Return a function from pixels (N, C, H, W) uint8 to what images are compared by."""
    if extractor is None:
        return lambda pixels: torch.from_numpy(np.asarray(pixels)).flatten(1).float()
    network = BuiltExtractor.of(extractor, space.images.shape, torch.device("cpu")).network

    @torch.no_grad()
    def features(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        found, _ = network(torch.from_numpy(np.ascontiguousarray(pixels)))
        flat: torch.Tensor = found.flatten(1).float()
        return flat

    return features
