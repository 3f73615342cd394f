import json
import os
import shutil
import subprocess
import sys
import warnings

import click
import pytest

from ganzoo.cli.app import exit_code_of
from ganzoo.cli.output import readable_warnings, say
from ganzoo.errors import DataError, PluginWarning, Problem, SpecError, TrainingError


def failing(error, *, debug=False):
    def action():
        raise error

    return exit_code_of(action, lambda: debug)


def test_success_is_0_and_a_code_is_passed_on():
    assert exit_code_of(lambda: None, lambda: False) == 0
    assert exit_code_of(lambda: 3, lambda: False) == 3


def test_each_problem_of_a_spec_is_one_line(capsys):
    problems = [Problem("seed", "must be more"), Problem("", "is odd")]
    assert failing(SpecError(problems, "spec.json")) == 2
    assert (
        capsys.readouterr().err
        == "error: spec.json: seed: must be more\nerror: spec.json: is odd\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (TrainingError("loss is nan"), 1, "error: loss is nan\n"),
        (click.BadParameter("no"), 2, "error: Invalid value: no\n"),
        (click.Abort(), 130, "stopped\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "error: /x: Permission denied\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_one_line_with_their_exit_code(capsys, error, code, text):
    assert failing(error) == code
    assert capsys.readouterr().err == text


def test_a_bug_is_called_one_and_hides_its_traceback_until_asked(capsys):
    assert failing(ZeroDivisionError("by\nzero")) == 1
    text = capsys.readouterr().err
    assert text.startswith("error: ZeroDivisionError: by zero. This is a bug")
    assert text.count("\n") == 1
    failing(ZeroDivisionError("by zero"), debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_plugin_warnings_are_one_line(capsys):
    with warnings.catch_warnings(record=True) as others, readable_warnings():
        warnings.simplefilter("always")
        warnings.warn("plugin x was left out", PluginWarning, stacklevel=1)
        warnings.warn("of numpy", RuntimeWarning, stacklevel=1)
        warnings.warn("the cache\ncannot be written", stacklevel=1)
    assert capsys.readouterr().err == (
        "warning: plugin x was left out\nwarning: the cache cannot be written\n"
    )
    assert [each.category for each in others] == [RuntimeWarning]


@pytest.mark.parametrize("arguments", [["schema"], ["--version"]])
def test_a_reader_that_has_seen_enough_is_told_nothing(arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", *arguments],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


class Full:
    """A log on a full disk."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_work_goes_on_without_a_log(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Full())
    say("a line")


def test_a_line_cannot_control_the_terminal(capsys):
    say("\x1b[2J")
    assert capsys.readouterr().err == "\\x1b[2J\n"


def test_closed_streams_are_no_failure():
    command = f"{sys.executable} -m ganzoo list loss >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0


def test_plugins_are_disabled_before_they_are_loaded():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ganzoo",
            "--disable-plugin",
            "ganzoo-mlp",
            "plugins",
            "list",
            "--all",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {line.split()[0]: line.split()[2] for line in done.stdout.splitlines()}
    assert rows["ganzoo-mlp"] == "disabled"
    assert rows["ganzoo"] == "active"
    assert done.stderr == ""


def test_an_unknown_plugin_to_disable_is_a_warning_line():
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "--disable-plugin", "ganzoo-mpl", "list", "loss"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "warning: no plugin is called 'ganzoo-mpl'; did you mean 'ganzoo-mlp'?\n"


@pytest.mark.parametrize("group", [[], ["plot"], ["plugins"]], ids=" ".join)
def test_a_group_alone_shows_its_help_and_no_errors(program, group):
    result = program(*group)
    assert result.code == 2
    assert "Usage: ganzoo" in result.err
    assert "error:" not in result.err


def test_an_error_says_what_else_could_be_done(capsys):
    error = DataError("no weights")
    error.add_note("or choose another extractor")
    assert failing(error) == 2
    assert capsys.readouterr().err == "error: no weights, or choose another extractor\n"


def test_a_missing_choice_is_one_line(program):
    result = program("completion")
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_metrics_that_are_damaged_are_named(program, finished, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(finished, copied)
    (copied / "metrics.jsonl").write_text('{"step": 1}\nbad\n')
    result = program("plot", "losses", copied)
    assert result.code == 2
    assert "metrics.jsonl: line 2 is not JSON" in result.err


def test_the_name_of_a_recipe_is_recognised_by_show(program):
    result = program("show", "digits")
    assert result.code == 2
    assert "'digits' is a recipe; 'ganzoo init digits -o -' prints it" in result.err


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("device", "gpu", "cuda or a numbered device"), ("name", "a/b", "letters, digits, dots")],
)
def test_patterns_are_put_in_words(program, tmp_path, field, value, words):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({field: value}))
    result = program("validate", path)
    assert result.code == 2
    assert words in result.err
    assert "^" not in result.err
