"""Errors that a user can meet."""

from __future__ import annotations

import inspect

import pytest

from ganzoo import errors
from ganzoo.errors import Interrupted, Problem, SpecError, did_you_mean, in_a_line


def classes() -> list[type[BaseException]]:
    return [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, BaseException)
    ]


def test_the_tree_at_the_top_of_the_file_is_the_tree_of_classes() -> None:
    """A class stands four columns to the right of its base, and below it."""
    bases: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines()[1:]:
        name = line.lstrip("│├└─ ").partition(" ")[0]
        if not name:
            continue
        column = line.index(name)
        above = [(at, other) for at, other in above if at < column]
        bases[name] = above[-1][1] if above else None
        above.append((column, name))
    assert bases == {
        each.__name__: None if each.__base__ in {Exception, UserWarning} else each.__base__.__name__
        for each in classes()
        if each.__base__ is not None
    }


@pytest.mark.parametrize("each", classes(), ids=lambda each: each.__name__)
def test_what_the_user_can_mend_exits_with_two_and_other_failures_with_one(
    each: type[BaseException],
) -> None:
    if issubclass(each, errors.UsageError):
        assert each.exit_code == 2
    elif issubclass(each, errors.GanzooError):
        assert each.exit_code == 1
    else:
        assert issubclass(each, errors.GanzooWarning | Interrupted)


def test_a_spec_error_gives_each_problem_a_line_with_file_and_path() -> None:
    problems = [Problem("training.batch_size", "too many"), Problem("", "no object")]
    error = SpecError(iter(problems), "spec.json")
    assert str(error) == "spec.json: training.batch_size: too many\nspec.json: no object"
    assert error.problems == tuple(problems)
    assert str(SpecError(problems)) == "training.batch_size: too many\nno object"


def test_an_interrupted_run_exits_as_shells_do() -> None:
    stop = Interrupted(15, 200)
    assert (stop.exit_code, str(stop)) == (143, "stopped by signal 15 after step 200")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\n  two"), "ValueError: one two"),
        (ValueError("first\n\nFor further information, see elsewhere"), "ValueError: first"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (errors.PluginError("there is no hook"), "there is no hook"),
        (errors.PluginError(), "PluginError"),
    ],
)
def test_exceptions_are_put_in_a_line_with_their_notes(error: Exception, line: str) -> None:
    assert in_a_line(error) == line
    error.add_note("importing x")
    assert in_a_line(error) == f"{line} (importing x)"


def test_an_exception_without_a_text_is_put_in_a_line_too() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert in_a_line(Mute()) == "Mute"


def test_the_nearest_name_is_suggested_and_nothing_where_none_is_near() -> None:
    assert did_you_mean("lerning_rate", ["batch", "learning_rate"]) == (
        "; did you mean 'learning_rate'?"
    )
    assert did_you_mean("xyz", ["batch", "learning_rate"]) == ""
    assert did_you_mean("x", []) == ""
