"""``ganzoo sample``, ``traverse`` and ``interpolate``: what a trained generator produces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from ganzoo.api import Run, open_run
from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import (
    check_outputs,
    checkpoint_option,
    force_option,
    free_path,
    numbers_of,
    output_option,
)
from ganzoo.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

FRAMES_PER_STEP = 6
"""Frames of an animation from one column of its grid to the next."""

ANIMATION_SIDE = 240
"""Smallest width and height of an animation, in pixels."""

DEFAULT_COORDINATES = 8
"""Number of coordinates that ``traverse`` varies by default."""

MOST_HEADINGS = 20
"""Grids of more classes than this have no headings."""

run_argument = click.argument("run", shell_complete=complete_run)
truncation_option = click.option(
    "--truncation",
    type=float,
    help="Truncate the latent distribution: a normal one at this number of standard deviations.",
)
label_option = click.option(
    "--label",
    metavar="CLASS",
    help="Class to generate, by name or number (conditional generators).",
)


@click.command()
@run_argument
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Number of samples.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="CLASS",
    help="Class to generate, by name or number (conditional generators); several take turns.",
)
@truncation_option
@checkpoint_option
@click.option(
    "--latents",
    metavar="FILE|NUMBERS",
    help="Latents to use: a .npy file of shape (n, dim), or the coordinates of one, such as 0.1,-2,...",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "npy", "folder"]),
    help="A grid, a float32 array (n, ...), or a folder with one PNG per sample. Default: by the suffix"
    " of --output, or else a grid.",
)
@output_option(
    "File or folder to write. Default: <run>-samples.png (or .npy, or a folder), numbered if it"
    " exists."
)
@force_option
def sample(
    run: str,
    count: int,
    seed: int,
    labels: tuple[str, ...],
    truncation: float | None,
    checkpoint: str,
    latents: str | None,
    kind: Literal["png", "npy", "folder"] | None,
    output: Path | None,
    force: bool,
) -> None:
    """Generate samples with a trained generator. The same seed gives the same samples.

    \b
      ganzoo sample runs/mlp-mnist-1
      ganzoo sample runs/mlp-mnist-1 -n 10000 --seed 7 -o samples.npy
      ganzoo sample runs/mlp-mnist-1 -n 100 --format folder -o digits/
    """
    import numpy as np
    import torch

    opened = open_run(run, checkpoint)
    kind = kind or ("npy" if output is not None and output.suffix == ".npy" else "png")
    ending = "" if kind == "folder" else f".{kind}"
    path = output or free_path(f"{opened.path.resolve().name}-samples", ending)
    if kind == "folder":
        _check_folder(path)
    else:
        check_outputs(path, force=force)
    if latents is not None:
        _refuse_with_latents("count", "seed", "truncation")
    given = None if latents is None else torch.from_numpy(_read_latents(latents, opened))
    count = count if given is None else len(given)
    classes = [_class_number(label, opened) for label in labels]
    samples = opened.sample(
        count,
        seed=seed,
        labels=[classes[index % len(classes)] for index in range(count)] if classes else None,
        truncation=truncation,
        latents=given,
    ).numpy()
    if kind == "npy":
        with path.open("wb") as file:  # given a name, numpy would add an ending to it
            np.save(file, samples)
    elif kind == "png":
        _save_grid(samples, [opened.class_names[each] for each in classes], opened, path)
    else:
        _write_folder(samples, path)
    click.echo(path)


@click.command()
@run_argument
@click.option(
    "--dims",
    metavar="NUMBERS",
    callback=numbers_of(int, "10,60,80 or 0-5"),
    help="Coordinates to vary, counted from 0, such as 10,60,80 or 0-5. Default: the first"
    f" {DEFAULT_COORDINATES}.",
)
@click.option(
    "--values",
    metavar="NUMBERS",
    callback=numbers_of(float, "-3,0,0.5"),
    default="-3,-2,-1,0,1,2,3",
    show_default=True,
    help="Values that each coordinate takes.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the latent to start from."
)
@click.option(
    "--latents",
    metavar="FILE|NUMBERS",
    help="Latent to start from: a .npy file whose first row is used, or its coordinates.",
)
@truncation_option
@checkpoint_option
@label_option
@output_option("PNG to write. Default: <run>-traversal.png, numbered if it exists.")
@force_option
def traverse(
    run: str,
    dims: list[int] | None,
    values: list[float],
    seed: int,
    latents: str | None,
    truncation: float | None,
    checkpoint: str,
    label: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Vary one latent coordinate at a time and draw the results.

    The grid has a row for each coordinate and a column for each value; all other coordinates stay as
    given by the seed or --latents.

    \b
      ganzoo traverse runs/fc-fashion-1
      ganzoo traverse runs/fc-fashion-1 --dims 10,60,80 --values -30,-3,0,3,30
    """
    import torch

    from ganzoo.utils.images import save_image
    from ganzoo.visual import traversals
    from ganzoo.visual.grids import labelled_grid

    opened = open_run(run, checkpoint)
    path = output or free_path(f"{opened.path.resolve().name}-traversal", ".png")
    check_outputs(path, force=force)
    dim = opened.latent_dim
    dims = list(range(min(dim, DEFAULT_COORDINATES))) if dims is None else dims
    wrong = next((each for each in dims if not 0 <= each < dim), None)
    if wrong is not None:
        raise UsageError(f"--dims: this run's latents have coordinates 0 to {dim - 1}, not {wrong}")
    if latents is None:
        start = opened.latents(1, seed, truncation).numpy()[0]
    else:
        _refuse_with_latents("seed", "truncation")
        start = _read_latents(latents, opened)[0]
    samples = _images(opened, torch.from_numpy(traversals.traverse(start, dims, values)), label)
    rows, columns = [f"z[{each}]" for each in dims], [f"{value:g}" for value in values]
    save_image(labelled_grid(samples, rows, columns), path)
    click.echo(path)


@click.command()
@run_argument
@click.option(
    "--steps", type=click.IntRange(2), default=9, show_default=True, help="Images per row."
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Number of pairs of latents.",
)
@click.option(
    "--spherical/--linear",
    default=True,
    show_default=True,
    help="Interpolate along arcs, which suit normal latents, or along straight lines.",
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    nargs=2,
    default=(0, 1),
    show_default=True,
    metavar="A B",
    help="Seeds of the latents on the left and on the right.",
)
@truncation_option
@checkpoint_option
@label_option
@output_option(
    "PNG to write, with a GIF of the same name next to it. Default: <run>-interpolation.png,"
    " numbered if it exists."
)
@force_option
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
    from ganzoo.visual import traversals
    from ganzoo.visual.grids import labelled_grid, save_gif

    opened = open_run(run, checkpoint)
    path = output or free_path(f"{opened.path.resolve().name}-interpolation", ".png", ".gif")
    if path.suffix == ".gif":  # the animation's own name
        path = path.with_suffix(".png")
    animation = path.with_suffix(".gif")
    check_outputs(path, animation, force=force)
    path_between = (
        traversals.interpolate_spherically if spherical else traversals.interpolate_linearly
    )
    begin, end = (opened.latents(rows, seed, truncation).numpy() for seed in seeds)
    frames = FRAMES_PER_STEP * (steps - 1) + 1
    latents = path_between(begin, end, frames)
    samples = _images(opened, torch.from_numpy(latents.reshape(rows * frames, -1)), label, rows)
    samples = samples.reshape(rows, frames, *samples.shape[1:])
    table = samples[:, ::FRAMES_PER_STEP].reshape(rows * steps, *samples.shape[2:])
    names = opened.class_names if label is None else ()
    if names:
        headings = [names[row % len(names)] for row in range(rows)]
        save_image(labelled_grid(table, headings, [""] * steps), path)
    else:
        save_image(image_grid(table, columns=steps), path)
    click.echo(path)
    pictures = [image_grid(each, min_side=ANIMATION_SIDE) for each in samples.swapaxes(0, 1)]
    save_gif(pictures, animation, seconds=0.06)
    click.echo(animation)


def _save_grid(samples: Floats, names: Sequence[str], run: Run, path: Path) -> None:
    """Write a grid; samples of several classes get a column for each, with its name above it.

    Args:
        samples: the samples.
        names: names of the classes asked for, which take turns; empty for all of the run.
        run: the run.
        path: the picture to write.
    """
    from ganzoo.utils.images import save_grid, save_image
    from ganzoo.visual.grids import class_grid

    names = names or run.class_names
    if samples.ndim == 4 and 1 < len(names) <= MOST_HEADINGS:
        save_image(class_grid(samples, names), path)
    else:
        save_grid(samples, path)


def _images(run: Run, latents: Any, label: str | None, rows: int = 1) -> Floats:
    """Return the images that a run generates from latents.

    A conditional run generates the requested class or, by default, one class after another in the rows.
    """
    labels = None
    if label is not None:
        labels = [_class_number(label, run)]
    elif run.class_names:
        labels = [
            row % len(run.class_names) for row in range(rows) for _ in range(len(latents) // rows)
        ]
    samples: Floats = run.sample(latents=latents, labels=labels).numpy()
    if samples.ndim != 4:
        raise UsageError(f"{run.path}: generates points; only images can be shown in a grid")
    return samples


def _refuse_with_latents(*names: str) -> None:
    """Refuse options that control how latents are drawn if latents are given."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(f"--{name}: cannot be combined with --latents")


def _class_number(label: str, run: Run) -> int:
    """Return the number of a class, given by name or number; names such as "10" take precedence."""
    names = run.class_names
    if not names:
        raise UsageError("--label: this generator is not conditional; leave the option out")
    if label in names:
        return names.index(label)
    if label.isdecimal() and int(label) < len(names):
        return int(label)
    raise UsageError(
        f"--label: unknown class {label!r}{did_you_mean(label, names)} (available: {', '.join(names)})"
    )


def _read_latents(text: str, run: Run) -> Floats:
    """Return latents (n, dim) from a file, or a single one from its coordinates.

    Raises:
        UsageError: they cannot be read or do not fit the run.
    """
    import numpy as np

    try:
        if text.endswith(".npy"):
            latents = np.load(text, allow_pickle=False).astype(np.float32)
        else:
            latents = np.array([float(part) for part in text.split(",")], dtype=np.float32)
    except OSError as error:
        raise UsageError(f"--latents: {text}: {error.strerror}") from None
    except (ValueError, EOFError) as error:  # EOFError: an empty file
        raise UsageError(
            f"--latents: neither a .npy file nor numbers such as 0.1,-2: {error}"
        ) from None
    latents = np.atleast_2d(latents)
    if not np.isfinite(latents).all():
        raise UsageError("--latents: every coordinate must be a finite number")
    dim = run.latent_dim
    if latents.ndim != 2 or latents.shape[1] != dim or not len(latents):
        raise UsageError(f"--latents: this run needs shape (n, {dim}), not {latents.shape}")
    return latents


def _check_folder(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: exists already and is not an empty folder; name another with -o")


def _write_folder(samples: Sequence[Any] | Floats, path: Path) -> None:
    """Write one PNG per image, at its original size."""
    from ganzoo.utils.images import save_image, to_image

    if len(samples) and samples[0].ndim != 3:
        raise UsageError("a folder of pictures needs images; write points with --format npy or png")
    path.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(samples):
        save_image(to_image(image), path / f"{index:05d}.png")
