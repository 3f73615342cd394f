import io
import json
import os

import click
import pytest
from rich.console import Console

from ganzoo.cli.output import say, write, write_json, write_table
from ganzoo.cli.progress import Bar
from ganzoo.cli.tree import CommandTree
from ganzoo.hookspecs import Command
from ganzoo.utils.text import CONTROLS, printable

ROWS = [("a-rather-long-name", "a-provider", "what it does, in a few words"), ("b", "c", "")]


@pytest.fixture
def terminal(monkeypatch):
    """Let standard output be a terminal of some width."""

    def set_width(columns):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))

    return set_width


def test_a_table_wraps_its_last_column(terminal, capsys):
    terminal(60)
    write_table(ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "a-rather-long-name  a-provider  what it does, in a few words",
        "b                   c",
    ]
    terminal(56)
    write_table(ROWS)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "a-rather-long-name  a-provider  what it does, in a few",
        "                                words",
    ]


def test_a_narrow_table_has_its_last_column_below(terminal, capsys):
    terminal(40)
    write_table(ROWS, indent="  ")
    assert capsys.readouterr().out.splitlines() == [
        "  a-rather-long-name  a-provider",
        "      what it does, in a few words",
        "  b                   c",
    ]


def test_a_table_that_is_not_on_a_terminal_has_a_line_for_each_row(capsys):
    write_table([("a", "word " * 50)])
    assert len(capsys.readouterr().out.splitlines()) == 1


NASTY = "\x1b[31mred\x9b2J\x07\r\u202egnp.\ud800"
SHOWN = r"\x1b[31mred\u009b2J\x07\x0d\u202egnp.\ud800"


def test_what_acts_on_a_terminal_is_written_as_escapes(terminal, capsys):
    say(NASTY)
    write(NASTY)
    write_json({NASTY: "\x7f"})
    write_table([(NASTY, NASTY)])
    out, err = capsys.readouterr()
    assert err == f"{SHOWN}\n"
    lines = out.splitlines()
    assert (lines[0], lines[-1]) == (SHOWN, f"{SHOWN}  {SHOWN}")
    assert json.loads("".join(lines[1:-1])) == {NASTY: "\x7f"}
    assert not CONTROLS.search(out.replace("\n", ""))


def test_tabs_and_text_of_any_language_are_left_alone():
    text = "a\tb\nü 漢字 😀 [bold] :smile:"
    assert printable(text) == text


def test_an_error_about_an_odd_name_cannot_act_on_the_terminal(program, tmp_path):
    path = tmp_path / "\x1b[2Ja\rb\x85c.json"
    path.write_text("[]")
    result = program("validate", path)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert r"\x1b[2Ja\x0db\u0085c.json: expected a JSON object" in result.err


def test_the_bar_takes_no_text_for_markup_or_escapes():
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    bar = Bar(console)
    bar.prepare("\x1b[31m[bold]x", 0, 0)
    bar.note("[bold]y[/bold] :smile: \x9b2J")
    bar.close()
    written = console.file.getvalue()
    assert r"[bold]y[/bold] :smile: \u009b2J" in written
    assert r"\x1b[31m[bold]x" in written
    assert "\x1b[31m" not in written


def test_help_with_a_text_of_a_plugin_is_harmless():
    command = Command("plot odd", "nowhere:none", "\x1b[31mred")
    group = CommandTree([command], {}, ("plot",), help="\x1b[1mbold")
    text = group.get_help(click.Context(group))
    assert r"\x1b[1mbold" in text
    assert r"\x1b[31mred" in text
