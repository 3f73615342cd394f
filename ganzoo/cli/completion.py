"""Completion in shells: the script, and the values of arguments and options."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a shell's completion script.

    \b
    Add this to ~/.bashrc:                      eval "$(ganzoo completion bash)"
    or to ~/.zshrc:                             eval "$(ganzoo completion zsh)"
    or to ~/.config/fish/config.fish:           ganzoo completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click does not support completion for {shell}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "ganzoo", "_GANZOO_COMPLETE").source())


def complete_spec(_context: Any, _parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a recipe or a file."""
    recipes = complete_recipe(_context, _parameter, incomplete)
    return [*map(CompletionItem, recipes), CompletionItem(incomplete, type="file")]


def complete_recipe(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a recipe."""
    from ganzoo.plugins import installed

    return _starting(incomplete, installed().recipes)


def complete_run(_context: Any, _parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Complete a run directory: one in ``runs/``, or any other folder."""
    runs = sorted(str(path.parent) for path in Path("runs").glob("*/spec.json"))
    found = [CompletionItem(run) for run in _starting(incomplete, runs)]
    return found or [CompletionItem(incomplete, type="dir")]


def complete_family(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a family of components."""
    from ganzoo.components import FAMILIES

    return _starting(incomplete, (each.family for each in FAMILIES))


def complete_component(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a component."""
    from ganzoo.components.registry import active

    names = {active().name_of(entry.component) for entry in active().entries()}
    return _starting(incomplete, sorted(names))


def complete_plugin(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of an installed plugin without importing any."""
    from ganzoo.plugins.discovery import find_plugins

    return _starting(incomplete, (each.name for each in find_plugins()))


def _starting(prefix: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(prefix)]
