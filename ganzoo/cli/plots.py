"""``ganzoo plot``: figures of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ganzoo.api import open_run
from ganzoo.cli.completion import complete_run
from ganzoo.cli.files import check_outputs, force_option


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.option(
    "--per",
    type=click.Choice(["step", "epoch"]),
    default="step",
    show_default=True,
    help="Draw what was logged at each step, or its means over epochs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG, SVG or PDF to write; the run's own losses.png, drawn again, by default.",
)
@force_option
def losses(run: str, per: Literal["step", "epoch"], output: Path | None, force: bool) -> None:
    """Plot the losses of a run, and the discriminator's mean scores of real and made samples.

    \b
      ganzoo plot losses runs/mlp-mnist-1
      ganzoo plot losses runs/mlp-mnist-1 --per epoch -o losses.svg
    """
    from ganzoo.visual.curves import save_losses

    opened = open_run(run)
    path = output or opened.directory.losses_path
    check_outputs(path, force=force or output is None)
    save_losses(opened.metrics(), path, per=per, title=opened.path.name)
    click.echo(path)
