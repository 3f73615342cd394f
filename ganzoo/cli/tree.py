"""Commands that are known by name and imported when they are invoked."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ganzoo.errors import PluginError, did_you_mean, in_a_line
from ganzoo.hookspecs import Command

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ganzoo.plugins import PluginRecord


class CommandTree(click.Group):
    """A group of commands at one place of the tree that all commands' names span.

    The core's commands are listed without importing anything. Plugins are loaded only where they may
    matter: for the help of a group below the top, and for a name that the core does not know.

    Attributes:
        core: all commands of the core.
        groups: one line of help for each group of the core.
        words: the words that lead here; none for the top.
        sections: headings of the help, each with names of commands; needed at the top only.
    """

    def __init__(
        self,
        core: Sequence[Command],
        groups: Mapping[str, str],
        words: tuple[str, ...] = (),
        sections: Mapping[str, Sequence[str]] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(name=" ".join(words), **attributes)
        self.core, self.groups, self.words = core, groups, words
        self.sections = sections or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names at this place; at the top, those of the core."""
        del ctx
        return list(self._listed())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or make a group of commands below this one."""
        del ctx
        below = self._below(self.core)
        if cmd_name not in below:
            below = self._below(command for _, command in plugin_commands(self.core))
        if cmd_name not in below:
            return None
        words = (*self.words, cmd_name)
        name = " ".join(words)
        for command in self.core:
            if command.name == name:
                return _import(command.target)
        added = plugin_commands(self.core)
        if any(command.name == name for _, command in added):
            # Where it is a group for another plugin, each is in the other's way.
            rivals = [each for each in added if f"{each[1].name} ".startswith(f"{name} ")]
            return _import_from_plugin(name, sorted(rivals, key=lambda each: len(each[1].name)))
        return CommandTree(self.core, self.groups, words, help=below[cmd_name])

    def invoke(self, ctx: click.Context) -> None:
        """Run a command; what its function returns is no exit code."""
        super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, or suggest the nearest."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            below = [
                *self._below(self.core),
                *self._below(c for _, c in plugin_commands(self.core)),
            ]
            ctx.fail(f"no command is called {name!r}{did_you_mean(name, below)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands under their headings."""
        del ctx
        listed = self._listed()
        sections = self.sections or {"Commands": list(listed)}
        width = max(len(name) for name in listed)
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), listed[name]) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing commands; load plugins only if nothing else fits."""
        from click.shell_completion import CompletionItem

        listed = self._listed()
        if not any(name.startswith(incomplete) for name in listed):
            listed = self._below(command for _, command in plugin_commands(self.core))
        items = [
            CompletionItem(name, help=text)
            for name, text in listed.items()
            if name.startswith(incomplete)
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def _listed(self) -> dict[str, str]:
        """Return names and help of what is listed here."""
        listed = self._below(self.core)
        if self.words:
            added = self._below(command for _, command in plugin_commands(self.core))
            listed = {**added, **listed}
        return dict(sorted(listed.items()))

    def _below(self, commands: Iterable[Command]) -> dict[str, str]:
        """Return the next words after this place, with their help."""
        found: dict[str, str] = {}
        depth = len(self.words)
        for command in commands:
            words = tuple(command.name.split())
            if words[:depth] != self.words or len(words) == depth:
                continue
            if len(words) == depth + 1:
                found[words[depth]] = command.help
            else:
                group = " ".join(words[: depth + 1])
                found.setdefault(words[depth], self.groups.get(group, "Commands of plugins."))
        return found


def plugin_commands(core: Sequence[Command]) -> list[tuple[PluginRecord, Command]]:
    """Return the commands that plugins add; those that would hide one of the core's are left out."""
    from ganzoo.plugins import installed

    taken = {command.name for command in core}
    groups = {name.rpartition(" ")[0] for name in taken}
    added = []
    for record, command in installed().commands:
        words = command.name.split()
        starts = {" ".join(words[:count]) for count in range(1, len(words) + 1)}
        if starts & taken or command.name in groups:
            installed().warn(
                record,
                f"its command {command.name!r} was left out, since the name is the core's own"
                " (in hook ganzoo_commands)",
            )
        else:
            added.append((record, command))
    return added


def _import_from_plugin(
    name: str, providers: Sequence[tuple[PluginRecord, Command]]
) -> click.Command:
    """Import a command that one plugin brings, or say that more than one does."""
    if len(providers) > 1:
        names = " and ".join(sorted({str(each.provider) for each, _ in providers}))
        raise click.UsageError(
            f"the command {name!r} comes from {names}; leave one out with --disable-plugin"
        )
    ((record, command),) = providers
    try:
        return _import(command.target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit too must say whose it was
        raise PluginError(
            f"plugin {record.provider}: its command {command.name!r} cannot be imported:"
            f" {in_a_line(error)}"
        ) from error


def _import(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{target} is no click command")
    return command
