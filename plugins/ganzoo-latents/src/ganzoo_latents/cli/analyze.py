"""``ganzoo analyze``: what the latent space of a run is like."""

from __future__ import annotations

import json
from itertools import count as counting
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.output import say, write, write_json, write_table
from ganzoo.cli.progress import showing_progress
from ganzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from ganzoo.components import FeatureExtractor
    from ganzoo.opened import Run
    from ganzoo_latents.analysis import Analysis
    from ganzoo_latents.effects import Effect

SHOWN = 10
"""Coordinates that the table lists; the JSON file has all."""


@click.command()
@options.run_argument
@click.option(
    "-n",
    "--latents",
    type=click.IntRange(2, 10_000),
    default=32,
    help="Latents that each coordinate and direction is measured on.",
)
@click.option(
    "--directions",
    type=click.IntRange(1, 1000),
    default=10,
    help="Directions to find with SeFa and with GANSpace.",
)
@click.option(
    "--extractor",
    metavar="NAME",
    help="Classifier that tells the classes of images. Default: the extractor of the run's evaluation,"
    " if its spec names one that is a classifier.",
)
@options.checkpoint_option
@options.output_option("Folder to write. Default: <run>-latents, numbered if it exists.")
@options.json_option
@options.quiet_option
def analyze(
    run: str,
    latents: int,
    directions: int,
    extractor: str | None,
    checkpoint: str,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure what latents do: coordinates, directions, values set by hand, smoothness.

    A folder gets the numbers as JSON, a plot of them, a sheet of images moved along the strongest
    coordinates and directions, and one of the nearest training images.

    \b
      ganzoo analyze runs/digits-1
      ganzoo analyze runs/digits-1 -n 200 --extractor lenet-mnist -o latents
    """
    from ganzoo.utils.files import write_atomically
    from ganzoo.utils.images import save_figure, save_image
    from ganzoo_latents import analysis, drawing
    from ganzoo_latents.space import LatentSpace

    opened = open_run(run, checkpoint)
    folder = output or _free_folder(f"{opened.path.resolve().name}-latents")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder}: exists already and is not an empty folder; name another with -o"
        )
    space = LatentSpace.of(opened)
    named = _extractor(opened, extractor)
    classifies = named if named is not None and named.classifies else None
    if extractor is not None:
        classifies = named  # refused, with the reason, if it is no classifier
    with showing_progress(quiet=quiet):
        found = analysis.analyze(
            space, latents=latents, directions=directions, extractor=classifies
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "latents.json", json.dumps(found.to_json(), indent=2) + "\n")
        save_figure(drawing.effects_figure(found), folder / "effects.png", dpi=110)
        save_image(drawing.directions_sheet(space, found), folder / "directions.png")
        try:
            save_image(drawing.neighbours_sheet(space, named), folder / "neighbours.png")
        except (DataError, OSError) as error:
            say(f"no sheet of nearest training images: {error}")
    if as_json:
        write_json(found.to_json())
    else:
        _write_words(found)
        write("")
    say(f"written to {folder}")


def _write_words(found: Analysis) -> None:
    from ganzoo_latents.analysis import observations

    write("Mean change of pixels per standard deviation, as a share of their range:")
    rows = [(f"z[{index}]", found.coordinates[index]) for index in found.order[:SHOWN]]
    write_table([_row(name, effect) for name, effect in rows], "  ")
    if (others := len(found.coordinates) - SHOWN) > 0:
        weakest = found.coordinates[found.order[-1]]
        write(f"  {others} more, down to {weakest.change:.2%}")
    for name, directions in found.directions.items():
        write("")
        if directions.reason is not None:
            write(f"{name}: {directions.reason}")
            continue
        write(f"Directions of {name}:")
        numbered = enumerate(directions.effects)
        write_table([_row(f"{name}[{number}]", effect) for number, effect in numbered], "  ")
    smooth = found.smoothness
    write("")
    write(
        f"Path length {smooth.path_length:.4g} (pixels, not LPIPS); its 95th percentile is"
        f" {smooth.unevenness:.2g} times the median."
    )
    write("")
    for line in observations(found):
        write(line)


def _row(name: str, effect: Effect) -> list[str]:
    turned = effect.class_changes
    classes = [] if turned is None else [f"class changes {turned:.0%}"]
    return [name, f"{effect.change:.2%}", *classes]


def _extractor(run: Run, name: str | None) -> FeatureExtractor | None:
    """Return the extractor asked for, or the one that the run's spec names, or None."""
    if name is not None:
        from ganzoo.evaluation.request import RunRequest

        return RunRequest.of(extractor=name).extractor
    evaluation = run.spec.evaluation
    return None if evaluation is None else evaluation.extractor


def _free_folder(stem: str) -> Path:
    names = (stem if number == 1 else f"{stem}-{number}" for number in counting(1))
    return next(Path(name) for name in names if not Path(name).exists())
