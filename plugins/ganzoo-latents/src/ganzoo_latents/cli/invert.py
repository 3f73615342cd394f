"""``ganzoo invert``: the latent of a given picture."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.output import say, write
from ganzoo.cli.progress import showing_progress


@click.command()
@options.run_argument
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("--label", metavar="CLASS", help="Class to generate; by default all are tried.")
@click.option("--starts", type=click.IntRange(1, 1000), default=8, help="Latents to start from.")
@click.option("--steps", type=click.IntRange(1, 100_000), default=300, help="Steps of Adam.")
@click.option("--seed", type=int, default=0, help="Seed of the latents to start from.")
@options.checkpoint_option
@options.quiet_option
@options.output_options(
    "JSON file for the latent, with a PNG of the same name next to it. Default: <run>-<picture>.json,"
    " numbered if it exists."
)
def invert(
    run: str,
    picture: Path,
    label: str | None,
    starts: int,
    steps: int,
    seed: int,
    checkpoint: str,
    quiet: bool,
    output: Path | None,
    force: bool,
) -> None:
    """Find the latent whose image is nearest to a picture.

    The PNG shows the picture beside what is generated from the latent. The JSON file can be given to
    ganzoo traverse, which then varies the picture.

    \b
      ganzoo invert runs/digits-1 seven.png -o seven.json
      ganzoo traverse runs/digits-1 --latents seven.json --along sefa
    """
    import numpy as np

    from ganzoo.utils.files import write_atomically
    from ganzoo.utils.images import save_image
    from ganzoo.visual.grids import labelled_grid
    from ganzoo_latents import inversion
    from ganzoo_latents.space import LatentSpace

    opened = open_run(run, checkpoint)
    stem = f"{opened.path.resolve().name}-{picture.stem}"
    path = output or options.free_path(stem, ".json", ".png")
    if path.suffix == ".png":  # the picture's own name
        path = path.with_suffix(".json")
    drawing = path.with_name(f"{path.stem}.png")
    options.check_outputs(path, drawing, force=force)
    space = LatentSpace.of(opened)
    condition = None
    if label is not None:
        condition = space.conditions(1, opened.class_number(label, "--label"))
    target, note = inversion.read_picture(picture, space.images)
    if note is not None:
        say(f"note: {note}")
    with showing_progress(quiet=quiet):
        found = inversion.invert(
            space, target, condition=condition, starts=starts, steps=steps, seed=seed
        )
    details = {"picture": picture.name, "error": found.error, "errors_of_starts": found.errors}
    data = inversion.to_json(space, found.latent, found.label, **details)
    write_atomically(path, json.dumps(data, indent=2) + "\n")
    pair = np.stack([target.numpy(), found.image])
    save_image(labelled_grid(pair, [""], ["picture", "found"]), drawing)
    write(path)
    write(drawing)
    named = "" if data["class"] is None else f", class {data['class']}"
    say(
        f"error {found.error:.2%} of the range{named} (starts: up to {found.errors[-1]:.2%}; best of"
        f" {inversion.CANDIDATES} random latents: {found.drawn:.2%})"
    )
