"""A plugin with a command: ``ganzoo last runs/digits-1`` writes the newest numbers of a run.

What a command imports is imported only when it is called if the command has a module of its own, so
put it in one where it needs torch or anything else that takes time.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

import ganzoo
from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return what the program needs to know before the command is called."""
    return [Command("last", "ganzoo_commands:last", "Write the newest numbers of a run.")]


@click.command()
@click.argument("run")
def last(run: str) -> None:
    """Write the newest numbers of RUN, one a line."""
    for name, number in ganzoo.open_run(run).metrics()[-1].items():
        click.echo(f"{name}  {number:g}")
