"""The reference of the command line: the help of every command, those of plugins included."""

from __future__ import annotations

import click

from ganzoo.cli.app import program
from ganzoo.cli.tree import CommandTree, plugin_commands
from generate.markdown import page, prose, table

INTRODUCTION = """\
# Command line

Generated from the code: this is what `--help` prints. Results go to standard output, everything else
to standard error. The exit code is 0 on success, 1 on failure, 2 if the request cannot be carried out
as given, and 128 plus the number of the signal if a signal stopped a run."""


def commands_page() -> str:
    """Return the page."""
    tree = program()
    added = plugin_commands(tree.core)
    providers = {command.name: f" (From {record.name}.)" for record, command in added}
    commands = {command.name: command.help for command in tree.core}
    commands |= {command.name: command.help for _, command in added}
    order = [command.name.split()[0] for command in tree.core]
    names = sorted(commands, key=lambda name: _place(order, name.split()[0]))
    rows = [
        (f"[`ganzoo {name}`](#{_anchor(name)})", prose(commands[name] + providers.get(name, "")))
        for name in names
    ]
    blocks = [INTRODUCTION, table(("Command", "What it does"), rows)]
    blocks += ["## `ganzoo` { #ganzoo }", _help(tree, ())]
    for name in names:
        blocks += [f"## `ganzoo {name}` {{ #{_anchor(name)} }}", _help(tree, tuple(name.split()))]
    return page(*blocks)


def _place(order: list[str], word: str) -> int:
    return order.index(word) if word in order else len(order)


def _anchor(name: str) -> str:
    return "-".join(("ganzoo", *name.split()))


def _help(tree: CommandTree, words: tuple[str, ...]) -> str:
    """Return what ``ganzoo WORDS --help`` writes, as a block of text."""
    context = _context(tree, "ganzoo")
    command: click.Command = tree
    for word in words:
        if not isinstance(command, click.Group):
            raise TypeError(f"{command.name} is not a group")
        found = command.get_command(context, word)
        if found is None:
            raise LookupError(" ".join(words))
        command, context = found, _context(found, word, context)
    return f"```text\n{command.get_help(context)}\n```"


def _context(
    command: click.Command, word: str, parent: click.Context | None = None
) -> click.Context:
    names = ["-h", "--help"]
    return click.Context(
        command, parent, info_name=word, terminal_width=88, help_option_names=names
    )
