"""Completion in shells: the script, and what may be completed."""

from __future__ import annotations

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
    Put this into ~/.bashrc:                    eval "$(ganzoo completion bash)"
    or into ~/.zshrc:                           eval "$(ganzoo completion zsh)"
    or into ~/.config/fish/config.fish:         ganzoo completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click has no completion for {shell}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "ganzoo", "_GANZOO_COMPLETE").source())


def complete_spec(_context: Any, _parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Complete a recipe's name or a file."""
    from ganzoo.plugins import installed

    names = [name for name in installed().recipes if name.startswith(incomplete)]
    return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]


def complete_recipe(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete a recipe's name."""
    from ganzoo.plugins import installed

    return [name for name in installed().recipes if name.startswith(incomplete)]


def complete_run(_context: Any, _parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Complete a run directory: one in ``runs/``, or any other folder."""
    runs = sorted(str(path.parent) for path in Path("runs").glob("*/spec.json"))
    found = [CompletionItem(run) for run in runs if run.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="dir")]


def complete_family(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a family of components."""
    from ganzoo.components import FAMILIES

    return [each.family for each in FAMILIES if each.family.startswith(incomplete)]


def complete_component(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a component."""
    from ganzoo.components.registry import active

    names = {active().name_of(entry.component) for entry in active().entries()}
    return sorted(name for name in names if name.startswith(incomplete))


def complete_plugin(_context: Any, _parameter: Any, incomplete: str) -> list[str]:
    """Complete the name of a plugin."""
    return plugin_names(incomplete)


def plugin_names(incomplete: str) -> list[str]:
    """Return the names of installed plugins that start so, importing none."""
    from ganzoo.plugins.discovery import find_plugins

    return [each.name for each in find_plugins() if each.name.startswith(incomplete)]
