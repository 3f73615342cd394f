import sys
from types import ModuleType

import click
import pytest

from ganzoo import plugins
from ganzoo.cli.app import COMMANDS, GROUPS, SECTIONS, program
from ganzoo.cli.tree import CommandTree, plugin_commands
from ganzoo.errors import PluginError, PluginWarning
from ganzoo.hookspecs import Command


@click.command()
def greet():
    """Say hello."""
    click.echo("hello")


@pytest.fixture
def added(monkeypatch):
    """Let pretended plugins add commands; call it with names of plugins and their commands."""
    module = ModuleType("pretended_commands")
    module.greet = greet
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = plugins.Plugins()
    monkeypatch.setattr(plugins, "installed", lambda: found)

    def add(plugin, name, target="pretended_commands:greet"):
        record = plugins.PluginRecord(plugin, "1.0", plugin)
        record.commands.append(Command(name, target, "Say hello."))
        found.records.append(record)

    return add


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_is_where_the_table_says_and_has_help(command):
    tree = program()
    found = tree
    for word in command.name.split():
        found = found.get_command(click.Context(tree), word)
    assert found.name == command.name.rpartition(" ")[2]
    assert found.help


def test_the_top_lists_every_command_once():
    words = [{each.name.split()[0] for each in commands} for commands in SECTIONS.values()]
    listed = [word for section in words for word in section]
    assert sorted(listed) == sorted({command.name.split()[0] for command in COMMANDS})
    assert set(GROUPS) == {c.name.split()[0] for c in COMMANDS if " " in c.name}


def test_a_plugins_command_joins_a_group_of_the_core(program, added):
    added("ganzoo-hello", "plot hello")
    assert program("plot", "hello").out == "hello\n"
    text = program("plot", "--help").out
    assert "hello" in text
    assert "losses" in text


def test_a_plugins_command_makes_a_group_of_its_own(program, added):
    added("ganzoo-hello", "say it again")
    assert program("say", "it", "again").out == "hello\n"
    assert "Commands from plugins." in program("say", "--help").out


@pytest.mark.parametrize("name", ["run", "plot", "plot losses", "run faster"])
def test_a_plugin_cannot_take_a_name_of_the_core(added, name):
    added("ganzoo-hello", name)
    with pytest.warns(PluginWarning, match="ganzoo-hello 1.0: its command .* itself has that name"):
        assert plugin_commands(COMMANDS) == []


def test_two_plugins_with_one_command_are_both_named(program, added):
    added("ganzoo-a", "hello")
    added("ganzoo-b", "hello")
    result = program("hello")
    assert result.code == 2
    assert "is provided by ganzoo-a 1.0 and ganzoo-b 1.0" in result.err
    assert "--disable-plugin" in result.err


def test_a_command_that_cannot_be_imported_names_its_plugin(added):
    added("ganzoo-hello", "hello", "pretended_commands:missing")
    tree = CommandTree(COMMANDS, GROUPS)
    with pytest.raises(PluginError, match=r"ganzoo-hello 1\.0: its command 'hello'.*missing"):
        tree.get_command(click.Context(tree), "hello")


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (("plugins", "new", "mine"), "ganzoo-devkit"),
        (("data", "photos"), "ganzoo-inspect"),
        (("traverse", "run"), "ganzoo-latents"),
    ],
)
def test_a_command_of_a_package_that_is_not_installed_names_the_package(
    program, monkeypatch, words, package
):
    alone = plugins.Plugins()
    alone.load_core()
    alone.load_hints()
    monkeypatch.setattr(plugins, "installed", lambda: alone)
    result = program(*words)
    assert (result.code, result.out) == (2, "")
    named = f"comes with the package {package}, which is not installed (see 'ganzoo"
    assert named in result.err
    assert result.err.count("\n") == 1


def test_an_unknown_command_is_answered_with_the_nearest(program):
    result = program("rum")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: unknown command 'rum'; did you mean 'run'? (see 'ganzoo --help')\n"
    assert "did you mean 'losses'?" in program("plot", "loses").err
