import os

import pytest

from ganzoo.cli.output import write_table

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
