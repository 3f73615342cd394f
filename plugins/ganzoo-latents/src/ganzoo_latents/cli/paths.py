"""``ganzoo traverse`` and ``interpolate``: how samples change with their latents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.commands.sampling import read_latents
from ganzoo.cli.output import write
from ganzoo.errors import UsageError
from ganzoo.opened import Run

if TYPE_CHECKING:
    import torch

    from ganzoo.cli.commands.sampling import Floats

FRAMES_PER_STEP = 6  # of an animation, from one column of its grid to the next

ANIMATION_SIDE = 512  # smallest width and height of an animation, in pixels

DEFAULT_COORDINATES = 8  # that traverse varies

label_option = click.option(
    "--label",
    metavar="CLASS",
    help="Class to generate, by name or number (conditional generators).",
)


@click.command()
@options.run_argument
@click.option(
    "--dims",
    metavar="NUMBERS",
    callback=options.numbers_of(int, "10,60,80 or 0-5"),
    help="Coordinates to vary, counted from 0, such as 10,60,80 or 0-5. Default: the first"
    f" {DEFAULT_COORDINATES}.",
)
@click.option(
    "--values",
    metavar="NUMBERS",
    callback=options.numbers_of(float, "-3,0,0.5"),
    default="-3,-2,-1,0,1,2,3",
    help="Values that each coordinate takes.",
)
@click.option("--seed", type=int, default=0, help="Seed of the latent to start from.")
@click.option(
    "--latents",
    metavar="FILE|NUMBERS",
    help="Latent to start from: a .npy file whose first row is used, a .json file of ganzoo invert, or"
    " its coordinates.",
)
@click.option(
    "--along",
    type=click.Choice(["coordinates", "sefa", "ganspace"]),
    default="coordinates",
    help="What to vary: coordinates, or directions found by a method; --dims then counts directions, and"
    " values are standard deviations.",
)
@options.truncation_option
@options.checkpoint_option
@label_option
@options.output_options("PNG to write. Default: <run>-traversal.png, numbered if it exists.")
def traverse(
    run: str,
    dims: list[int] | None,
    values: list[float],
    seed: int,
    latents: str | None,
    along: str,
    truncation: float | None,
    checkpoint: str,
    label: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Vary one latent coordinate, or direction, at a time and draw the results.

    The grid has a row for each coordinate and a column for each value; all other coordinates stay as
    given by the seed or --latents.

    \b
      ganzoo traverse runs/fc-fashion-1
      ganzoo traverse runs/fc-fashion-1 --dims 10,60,80 --values -30,-3,0,3,30
    """
    import torch

    from ganzoo.utils.images import save_image
    from ganzoo.visual.grids import labelled_grid
    from ganzoo_latents import paths

    opened = open_run(run, checkpoint)
    path = output or options.free_path(f"{opened.path.resolve().name}-traversal", ".png")
    options.check_outputs(path, force=force)
    dim = opened.latent_dim
    dims = list(range(min(dim, DEFAULT_COORDINATES))) if dims is None else dims
    wrong = next((each for each in dims if not 0 <= each < dim), None)
    if wrong is not None:
        raise UsageError(f"--dims: this run's latents have coordinates 0 to {dim - 1}, not {wrong}")
    if latents is None:
        start = opened.latents(1, seed, truncation)
    elif latents.endswith(".json"):
        numbers, kept = _read_latent(Path(latents))
        start, label = read_latents(numbers, opened), kept if label is None else label
    else:
        start = read_latents(latents, opened)
    name = "z[{}]"
    if along == "coordinates":
        varied = torch.from_numpy(paths.traverse(start[0].numpy(), dims, values))
    else:
        varied, name = _moved(opened, start[:1], along, dims, values), f"{along}[{{}}]"
    samples = _images(opened, varied, label, truncation)
    rows, columns = [name.format(each) for each in dims], [f"{value:g}" for value in values]
    save_image(labelled_grid(samples, rows, columns), path)
    write(path)


@click.command()
@options.run_argument
@click.option("--steps", type=click.IntRange(2, 1000), default=9, help="Images per row.")
@click.option("--rows", type=click.IntRange(1, 1000), default=4, help="Number of pairs of latents.")
@click.option(
    "--spherical/--linear",
    default=True,
    help="Interpolate along arcs, which suit normal latents, or along straight lines.",
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    nargs=2,
    default=(0, 1),
    metavar="A B",
    help="Seeds of the latents on the left and on the right.",
)
@options.truncation_option
@options.checkpoint_option
@label_option
@options.output_options(
    "PNG to write, with a GIF of the same name next to it. Default: <run>-interpolation.png,"
    " numbered if it exists."
)
def interpolate(
    run: str,
    steps: int,
    rows: int,
    spherical: bool,
    seeds: tuple[int, int],
    truncation: float | None,
    checkpoint: str,
    label: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Interpolate between pairs of latents: a PNG with a row for each pair, and an animated GIF.

    \b
      ganzoo interpolate runs/mlp-mnist-1
      ganzoo interpolate runs/mlp-mnist-1 --seed 3 8 --rows 1 --linear -o way.png
    """
    import torch

    from ganzoo.utils.images import image_grid, save_image
    from ganzoo.visual.grids import labelled_grid
    from ganzoo_latents import paths
    from ganzoo_latents.animation import save_gif

    opened = open_run(run, checkpoint)
    path = output or options.free_path(
        f"{opened.path.resolve().name}-interpolation", ".png", ".gif"
    )
    if path.suffix == ".gif":  # the animation's own name
        path = path.with_suffix(".png")
    animation = path.with_suffix(".gif")
    options.check_outputs(path, animation, force=force)
    begin, end = (opened.latents(rows, seed, truncation).numpy() for seed in seeds)
    frames = FRAMES_PER_STEP * (steps - 1) + 1
    if spherical:
        latents = paths.interpolate_spherically(begin, end, frames)
    else:
        latents = paths.interpolate_linearly(begin, end, frames)
    flat = torch.from_numpy(latents.reshape(rows * frames, -1))
    samples = _images(opened, flat, label, truncation, rows)
    samples = samples.reshape(rows, frames, *samples.shape[1:])
    table = samples[:, ::FRAMES_PER_STEP].reshape(rows * steps, *samples.shape[2:])
    names = opened.class_names if label is None else ()
    headings = [names[row % len(names)] for row in range(rows if names else 0)]
    grid = (
        labelled_grid(table, headings, [""] * steps) if names else image_grid(table, columns=steps)
    )
    save_image(grid, path)
    write(path)
    pictures = [image_grid(each, min_side=ANIMATION_SIDE) for each in samples.swapaxes(0, 1)]
    save_gif(pictures, animation, seconds=0.06)
    write(animation)


def _images(
    run: Run, latents: torch.Tensor, label: str | None, truncation: float | None, rows: int = 1
) -> Floats:
    """Return images of the requested class or, by default, of one class after another in the rows."""
    labels = None
    if label is not None:
        labels = [run.class_number(label, "--label")]
    elif count := len(run.class_names):
        labels = [row % count for row in range(rows) for _ in range(len(latents) // rows)]
    if (kind := run.info.samples.kind) != "images":
        raise UsageError(f"{run.path}: generates {kind}; only images fit in a grid")
    samples: Floats = run.sample(latents=latents, labels=labels, truncation=truncation).numpy()
    return samples


def _moved(
    run: Run, start: torch.Tensor, method: str, chosen: list[int], values: list[float]
) -> torch.Tensor:
    """Return a latent (1, dim) moved to places along directions of a method, row after row."""
    import torch

    from ganzoo_latents.analysis import METHODS
    from ganzoo_latents.space import LatentSpace

    space = LatentSpace.of(run)
    found = METHODS[method](space, max(chosen) + 1)
    if max(chosen) >= len(found):
        raise UsageError(f"--dims: {method} finds {len(found)} directions, 0 to {len(found) - 1}")
    directions = found.vectors[chosen]
    spread = space.spread(directions)
    return torch.cat(
        [
            space.moved(start, direction, value * unit)
            for direction, unit in zip(directions, spread, strict=True)
            for value in values
        ]
    )


def _read_latent(path: Path) -> tuple[str, str | None]:
    """Return the coordinates, as ``--latents`` takes them, and the class of a file of ``invert``."""
    try:
        data = json.loads(path.read_text("utf-8"))
        numbers = ",".join(str(float(each)) for each in data["latent"])
        label = data.get("class")
    except OSError as error:
        raise UsageError(f"--latents: {path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise UsageError(
            f"--latents: {path}: is not a latent as 'ganzoo invert' writes it"
        ) from None
    return numbers, None if label is None else str(label)
