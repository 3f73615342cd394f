"""The reference of the command line: the help of every command, those of plugins included."""

from __future__ import annotations

import click

from ganzoo.cli.app import SECTIONS, program
from ganzoo.cli.tree import CommandTree, plugin_commands
from generate.markdown import page, prose, table

INTRODUCTION = """\
# Command line

Made from the program: this is what `--help` says. Results go to standard output, everything else to
standard error. The exit code is 0 where all went well, 1 where something failed, 2 where the request
cannot be met as it stands, and 128 plus the number of the signal where a signal stopped a run."""


def commands_page() -> str:
    """Return the page."""
    tree = program()
    providers = {command.name: record.name for record, command in plugin_commands(tree.core)}
    commands = {command.name: command.help for command in tree.core}
    commands |= {command.name: command.help for _, command in plugin_commands(tree.core)}
    order = [name for names in SECTIONS.values() for name in names]
    names = sorted(commands, key=lambda name: _place(order, name.split()[0]))
    rows = [
        (f"[`ganzoo {name}`](#{_anchor(name)})", prose(commands[name]), providers.get(name, ""))
        for name in names
    ]
    blocks = [INTRODUCTION, table(("Command", "What it does", "From plugin"), rows)]
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
    settings = {"help_option_names": ["-h", "--help"], "terminal_width": 88}
    context = click.Context(tree, info_name="ganzoo", **settings)
    command: click.Command = tree
    for word in words:
        if not isinstance(command, click.Group):
            raise TypeError(f"{command.name} is no group")
        found = command.get_command(context, word)
        if found is None:
            raise LookupError(" ".join(words))
        command, context = found, click.Context(found, context, info_name=word, **settings)
    return f"```text\n{command.get_help(context)}\n```"
