"""``ganzoo sample``, and what the other commands for generated samples share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.output import write
from ganzoo.errors import UsageError, in_a_line
from ganzoo.opened import Run
from ganzoo.utils.files import atomic_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Floats = npt.NDArray[np.float32]

MODES: dict[int, Literal["grey", "rgb"]] = {1: "grey", 3: "rgb"}


@click.command()
@options.run_argument
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1, 100_000_000),
    default=64,
    help="Number of samples; by default a grid of classes has a few fewer, in whole rows.",
)
@click.option("--seed", type=int, default=0, help="Random seed.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="CLASS",
    help="Class to generate, by name or number (conditional generators); several take turns.",
)
@options.truncation_option
@options.checkpoint_option
@click.option(
    "--latents",
    metavar="FILE|NUMBERS",
    help="Latents to use: a .npy file of shape (n, dim), or the coordinates of one, such as 0.1,-2,...",
)
@click.option(
    "--condition",
    metavar="FILE|NUMBERS",
    help="Labels or values to generate samples for (generators conditioned on vectors): a .npy file of"
    " shape (n, k) or (1, k), or k numbers.",
)
@click.option(
    "--source",
    type=click.Path(exists=True, path_type=Path),
    help="Samples to translate (translators): an image, a folder of images, or a .npy file of shape"
    " (n, ...). Default: the test data.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "npy", "folder"]),
    help="A grid, a float32 array (n, ...), or a folder with one PNG per sample. Default: by the suffix"
    " of --output, or else a grid.",
)
@options.output_options(
    "File or folder to write. Default: <run>-samples.png (or .npy, or a folder), numbered if it"
    " exists."
)
def sample(
    run: str,
    count: int,
    seed: int,
    labels: tuple[str, ...],
    truncation: float | None,
    checkpoint: str,
    latents: str | None,
    condition: str | None,
    source: Path | None,
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

    from ganzoo.utils.images import save_image
    from ganzoo.visual.grids import sample_picture, whole_rows

    opened = open_run(run, checkpoint)
    kind = kind or ("npy" if output is not None and output.suffix == ".npy" else "png")
    ending = "" if kind == "folder" else f".{kind}"
    path = output or options.free_path(f"{opened.path.resolve().name}-samples", ending)
    if kind != "folder":
        options.check_outputs(path, force=force)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: exists already and is not an empty folder; name another with -o")
    given = None if latents is None else read_latents(latents, opened)
    sources = None if source is None else _read_sources(source, opened)
    count = next((len(each) for each in (sources, given) if each is not None), count)
    classes = [opened.class_number(label, "--label") for label in labels]
    names = [opened.class_names[each] for each in classes] or opened.class_names
    chosen = click.get_current_context().get_parameter_source("count")
    drawn = given is None and sources is None and opened.info.samples.kind == "images"
    if kind == "png" and drawn and chosen is ParameterSource.DEFAULT:
        count = whole_rows(count, names)
    samples = opened.sample(
        count,
        seed=seed,
        labels=[classes[index % len(classes)] for index in range(count)] if classes else None,
        condition=None if condition is None else _read_condition(condition, opened),
        truncation=truncation,
        latents=given,
        source=sources,
    ).numpy()
    if kind == "npy":
        # Given a name, numpy would add an ending to it.
        with atomic_file(path, durable=False) as file:
            np.save(file, samples)
    elif kind == "png":
        save_image(sample_picture(opened.info.samples, samples, names), path)
    else:
        _write_folder(samples, path)
    write(path)


def read_latents(text: str, run: Run) -> torch.Tensor:
    """Return the latents (n, dim) of ``--latents``; refuse options that control how they are drawn."""
    context = click.get_current_context()
    for name in ("count", "seed", "truncation"):
        if context.get_parameter_source(name) not in {None, ParameterSource.DEFAULT}:
            raise UsageError(f"--{name}: cannot be combined with --latents")
    return _read_vectors(text, run.latent_dim, "--latents")


def _read_condition(text: str, run: Run) -> torch.Tensor:
    condition = run.sampler.condition
    if condition is None or condition.kind == "classes":
        raise UsageError("--condition: this generator is not conditioned on vectors; leave it out")
    return _read_vectors(text, condition.size, "--condition")


def _read_vectors(text: str, dim: int, option: str) -> torch.Tensor:
    """Return vectors (n, dim) from a .npy file, or a single one from its numbers."""
    import numpy as np
    import torch

    try:
        if text.endswith(".npy"):
            vectors = _read_npy(Path(text)).astype(np.float32)
        else:
            vectors = np.array([float(part) for part in text.split(",")], dtype=np.float32)
    except OSError as error:
        raise UsageError(f"{option}: {text}: {error.strerror}") from None
    except (ValueError, EOFError) as error:  # EOFError: an empty file
        message = f"neither a .npy file nor numbers such as 0.1,-2: {error}"
        raise UsageError(f"{option}: {message}") from None
    vectors = np.atleast_2d(vectors)
    if not np.isfinite(vectors).all():
        raise UsageError(f"{option}: every number must be finite")
    if vectors.ndim != 2 or vectors.shape[1] != dim or not len(vectors):
        raise UsageError(f"{option}: this run needs shape (n, {dim}), not {vectors.shape}")
    return torch.from_numpy(vectors)


def _read_npy(path: Path) -> npt.NDArray[Any]:
    """Return the array of a .npy file; raise ValueError where it is an archive of several."""
    import numpy as np

    with path.open("rb") as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _read_sources(path: Path, run: Run) -> torch.Tensor:
    """Return samples to translate (n, *source_shape), as the network sees them."""
    import numpy as np
    import torch
    from PIL import Image

    from ganzoo.data.images import fit
    from ganzoo.data.split import as_tensor

    space = run.info.source
    if space is None or not run.sampler.translates:
        raise UsageError("--source: this run does not translate samples; leave it out")
    try:
        if path.suffix == ".npy":
            stored = _read_npy(path)
        elif space.kind != "images" or space.channels not in {1, 3}:
            raise UsageError(f"--source: this run translates {space.kind}; name a .npy file")
        else:
            endings = Image.registered_extensions()
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            size, mode = (space.height, space.width), MODES[space.channels]
            pixels = []
            for file in files:
                if file.suffix.lower() in endings:
                    with Image.open(file) as image:
                        pixels.append(fit(image, size, mode))
            if not pixels:
                raise UsageError(f"--source: {path}: contains no images")
            stored = np.stack(pixels).astype(space.dtype)
            stored *= 257 if space.bits == 16 else 1
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"--source: {path}: cannot be read: {in_a_line(error)}") from None
    if stored.shape[1:] != space.shape or not len(stored):
        shape = ", ".join(map(str, ("n", *space.shape)))
        raise UsageError(f"--source: this run needs shape ({shape}), not {stored.shape}")
    if np.issubdtype(stored.dtype, np.floating):
        return torch.from_numpy(stored.astype(np.float32))
    return space.decode(as_tensor(stored), torch.float32)


def _write_folder(samples: Floats, path: Path) -> None:
    """Write one PNG per image, at its original size."""
    from ganzoo.utils.images import save_image, to_image

    if samples.ndim != 4:
        raise UsageError("a folder of pictures needs images; write points with --format npy or png")
    path.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(samples):
        save_image(to_image(image), path / f"{index:05d}.png")
