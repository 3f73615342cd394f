"""The command ``ganzoo translate``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.options import checkpoint_option, output_options, quiet_option, run_argument
from ganzoo.cli.output import write
from ganzoo.cli.progress import showing_progress


@click.command()
@run_argument
@click.argument("pictures", type=click.Path(path_type=Path), metavar="IMAGE|FOLDER|ZIP")
@output_options(
    "PNG file to write for one image, else a new or empty folder. Default: the name of what is"
    " translated, with '-translated'."
)
@click.option(
    "--convert",
    is_flag=True,
    help="Translate grey images by a run for colours, or the other way round, converted.",
)
@click.option(
    "--tile",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Translate larger images in overlapping tiles of so many pixels a side. Default: as large as"
    " memory allows.",
)
@click.option(
    "--device", default="auto", help="Such as cpu or cuda. Default: the fastest there is."
)
@checkpoint_option
@quiet_option
def translate(
    run: str,
    pictures: Path,
    output: Path | None,
    force: bool,
    convert: bool,
    tile: int | None,
    device: str,
    checkpoint: str,
    quiet: bool,
) -> None:
    """Translate an image, or all images in a folder or zip file, with a trained translator.

    Images keep their size, their name and their opacity, and are written as PNG files. Any size can be
    translated where the network is convolutional, as those of pix2pix and CycleGAN are.

    \b
      ganzoo translate runs/pix2pix-emoji-1 face.png
      ganzoo translate runs/pix2pix-emoji-1 photos -o translated
    """  # noqa: D301 - click wants the character that \b stands for
    from ganzoo.api import open_run
    from ganzoo_translation.pictures import PictureTranslator, translate_files

    opened = open_run(run, checkpoint)
    with showing_progress(quiet=quiet):
        translator = PictureTranslator(opened, tile=tile, convert=convert, device=device)
        for path in translate_files(translator, pictures, output, force=force):
            write(path)
