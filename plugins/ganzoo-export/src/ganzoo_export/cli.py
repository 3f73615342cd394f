"""The commands ``ganzoo export``, ``push`` and ``pull``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.output import say, write
from ganzoo.utils.files import write_atomically

SUFFIXES: dict[str, Literal["onnx", "torch"]] = {".onnx": "onnx", ".pt2": "torch"}


@click.command()
@options.run_argument
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "torch", "folder"]),
    help="ONNX; a program of torch.export (.pt2); or a model folder, which ganzoo opens as it does a"
    " run. Default: by the suffix of --output, or else a folder.",
)
@options.checkpoint_option
@options.output_options(
    "File or folder to write. Default: <run>.onnx, <run>.pt2 or <run>-model, numbered if it exists."
)
def export(
    run: str,
    kind: Literal["onnx", "torch", "folder"] | None,
    checkpoint: str,
    output: Path | None,
    force: bool,
) -> None:
    """Write a trained generator so that it can be used without the run.

    ONNX and torch.export: the batch may have any size, and samples are compared with those of the
    module before anything is written.

    \b
      ganzoo export runs/digits-1 -o digits.onnx
      ganzoo export runs/digits-1 --format torch
      ganzoo export runs/digits-1 --checkpoint best -o digits/
    """  # noqa: D301 - click wants the character that \b stands for
    from ganzoo_export.folder import loaded_sampler, write_folder

    opened = open_run(run, checkpoint)
    name = opened.path.resolve().name
    kind = kind or ("folder" if output is None else SUFFIXES.get(output.suffix, "folder"))
    if kind == "folder":
        write(write_folder(opened, output or options.free_path(name, "-model")))
        return
    from ganzoo_export.programs import to_onnx, to_torch

    path = output or options.free_path(name, ".onnx" if kind == "onnx" else ".pt2")
    options.check_outputs(path, force=force)
    exported = (to_onnx if kind == "onnx" else to_torch)(loaded_sampler(opened))
    write_atomically(path, exported.content)
    say(
        f"inputs: {', '.join(exported.inputs)}; differs from the module by {exported.difference:.1g}"
    )
    if exported.without_noise:
        say("the noise that the generator injects is left out")
    write(path)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("repository", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Let nobody else see it, if it is new.")
def push(folder: Path, repository: str, private: bool) -> None:
    """Upload a model folder to the Hugging Face hub; log in with 'hf auth login' before.

    \b
      ganzoo export runs/digits-1 -o digits
      ganzoo push digits me/digits
    """  # noqa: D301 - as above
    from ganzoo_export.hub import push as upload

    write(upload(folder, repository, private=private))


@click.command()
@click.argument("repository", metavar="USER/NAME")
@click.option("--revision", help="A branch, tag or commit. Default: the newest.")
@options.output_option("Folder to create. Default: the name of the repository.")
def pull(repository: str, revision: str | None, output: Path | None) -> None:
    """Download a model folder from the Hugging Face hub.

    Only JSON, safetensors, pictures and the card are taken, and local plugins, which are not run unless
    you trust them.

    \b
      ganzoo pull someone/digits
      ganzoo sample digits
    """  # noqa: D301 - as above
    from ganzoo_export.hub import pull as download

    write(download(repository, output or Path(repository.rpartition("/")[2]), revision=revision))
