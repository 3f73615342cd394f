"""A tree of commands that are known by name and imported when they are invoked."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ganzoo.errors import PluginError, did_you_mean, in_a_line
from ganzoo.hookspecs import Command
from ganzoo.utils.text import printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ganzoo.plugins import PluginRecord


class CommandTree(click.Group):
    """A group of commands: one node of the tree spanned by the words of all commands' names.

    The core's commands are listed without importing anything. Plugins are loaded only if they may
    matter: for the help of a group below the top, and for a name that the core does not have.
    """

    def __init__(
        self,
        core: Sequence[Command],
        groups: Mapping[str, str],  # one line of help for each group of the core
        words: tuple[str, ...] = (),  # that lead to this group; none at the top
        sections: Mapping[str, Sequence[Command]] | None = None,  # headings of the help at the top
        **attributes: Any,
    ) -> None:
        super().__init__(name=" ".join(words), **attributes)
        self.core, self.groups, self.words = core, groups, words
        self.sections = sections or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in this group; at the top, only those of the core."""
        del ctx
        return list(self._listed())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return the group below this one."""
        del ctx
        words = (*self.words, cmd_name)
        name = " ".join(words)
        own = next((command for command in self.core if command.name == name), None)
        if own is not None:
            return _import(own.target)
        below = self._below(self.core)
        if cmd_name not in below:
            # One plugin's command may be a group for another: then they are in conflict.
            rivals = [each for each in plugin_commands(self.core) if _starts_with(each[1], name)]
            if any(command.name == name for _, command in rivals):
                return _import_from_plugin(name, rivals)
            below = self._below(command for _, command in rivals)
        if cmd_name not in below:
            return None
        return CommandTree(self.core, self.groups, words, help=below[cmd_name])

    def invoke(self, ctx: click.Context) -> None:
        """Run a command; ignore what its function returns, which is not an exit code."""
        super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, or suggest the nearest."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from ganzoo.plugins import installed

            if hint := installed().registry.hint("command", " ".join((*self.words, name))):
                ctx.fail(f"the command {hint}")
            known = [*self._below(self.core), *self._below_in_plugins()]
            ctx.fail(f"unknown command {name!r}{did_you_mean(name, known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings."""
        del ctx
        listed = {**self._below_in_plugins(), **self._listed()}
        sections = {
            title: dict.fromkeys(command.name.split()[0] for command in commands)
            for title, commands in self.sections.items()
        } or {"Commands": dict.fromkeys(listed)}
        if added := [name for name in listed if name not in self._listed()]:
            sections["From plugins"] = dict.fromkeys(sorted(added))
        width = max(len(name) for name in listed)
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), listed[name]) for name in names])

    def get_help(self, ctx: click.Context) -> str:
        """Return the help; what plugins say in it is made printable."""
        return printable(super().get_help(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing commands; load plugins only if nothing else fits."""
        from click.shell_completion import CompletionItem

        listed = self._listed()
        if not any(name.startswith(incomplete) for name in listed):
            listed = self._below_in_plugins()
        fitting = {name: text for name, text in listed.items() if name.startswith(incomplete)}
        items = [CompletionItem(name, help=text) for name, text in fitting.items()]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def _listed(self) -> dict[str, str]:
        added = self._below_in_plugins() if self.words else {}
        return dict(sorted({**added, **self._below(self.core)}.items()))

    def _below_in_plugins(self) -> dict[str, str]:
        return self._below(command for _, command in plugin_commands(self.core))

    def _below(self, commands: Iterable[Command]) -> dict[str, str]:
        """Return the next words of the names that lead through this group, with their help."""
        found: dict[str, str] = {}
        depth = len(self.words)
        for command in commands:
            words = tuple(command.name.split())
            if words[:depth] == self.words and len(words) == depth + 1:
                found[words[depth]] = command.help
            elif words[:depth] == self.words and len(words) > depth:
                group = " ".join(words[: depth + 1])
                found.setdefault(words[depth], self.groups.get(group, "Commands from plugins."))
        return found


def plugin_commands(core: Sequence[Command]) -> list[tuple[PluginRecord, Command]]:
    """Return the commands that plugins add, without those that would hide one of the core's."""
    from ganzoo.plugins import installed

    taken = {command.name for command in core}
    groups = {name.rpartition(" ")[0] for name in taken}
    added = []
    for record, command in installed().commands:
        if any(_starts_with(command, name) for name in taken) or command.name in groups:
            reason = f"its command {command.name!r} was skipped, since ganzoo itself has that name"
            installed().warn(record, f"{reason} (in hook ganzoo_commands)")
        else:
            added.append((record, command))
    return added


def _starts_with(command: Command, name: str) -> bool:
    return f"{command.name} ".startswith(f"{name} ")


def _import_from_plugin(
    name: str, providers: Sequence[tuple[PluginRecord, Command]]
) -> click.Command:
    """Import a command of a plugin; refuse one that several plugins provide."""
    if len(providers) > 1:
        names = " and ".join(sorted({str(each.provider) for each, _ in providers}))
        message = f"the command {name!r} is provided by {names}; disable one with --disable-plugin"
        raise click.UsageError(message)
    ((record, command),) = providers
    try:
        return _import(command.target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit, too, must name the plugin
        reason = f"its command {command.name!r} cannot be imported: {in_a_line(error)}"
        raise PluginError(f"plugin {record.provider}: {reason}") from error


def _import(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{target} is not a click command")
    return command
