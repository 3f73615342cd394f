"""The command ``ganzoo plugins new``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ganzoo.cli.output import say, write
from ganzoo.components import FAMILIES
from ganzoo_devkit.scaffolding import Blueprint, clones


@click.command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([family.family for family in FAMILIES]),
    default="generator",
    help="Family of its component.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to create; ganzoo-NAME by default. Nothing in it is overwritten.",
)
def new(name: str, kind: str, output: Path | None) -> None:
    """Create a plugin: a working package to put an idea of your own in.

    NAME is the component's name; the package is called ganzoo-NAME. It has a small component of the
    kind asked for, a recipe that uses it, tests, and everything needed to publish it.

    \b
      ganzoo plugins new soft-hinge --kind loss
      ganzoo plugins new swirls --kind dataset -o ../swirls
    """  # noqa: D301 - click wants the character that \b stands for
    blueprint = Blueprint.of(name, kind)
    folder = Path(blueprint.distribution) if output is None else output
    blueprint.write(folder)
    write(folder)
    steps = {
        f"cd {shlex.quote(str(folder))}": "",
        "uv sync": "install it, with what its tests need",
        "uv run pytest": "check it",
        f"uv run ganzoo list {kind}": "find it among the others",
    }
    if (folder / "src" / blueprint.package / "recipes").is_dir():
        steps[f"uv run ganzoo run {blueprint.name}"] = "train with it"
    say("\nNext:")
    for command, purpose in steps.items():
        say(f"  {command:{max(map(len, steps))}}  {purpose}".rstrip())
    say(f"\n{folder / 'docs' / 'index.md'} says where to put your idea.")
    if clones():
        say(
            f"Before you publish, remove [tool.uv.sources] from {folder / 'pyproject.toml'}:"
            " it names a clone of ganzoo that only this machine has."
        )
