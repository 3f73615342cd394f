"""How a check fails: with one sentence that says who is at fault, what is wrong, what would be right."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import torch

from ganzoo.components import Component
from ganzoo.plugins import PluginRecord, Recipe

Subject = TypeVar("Subject", bound="Component | PluginRecord | Recipe")
Options = ParamSpec("Options")


class NonConformance(AssertionError):  # noqa: N818 - it is the name of what was found
    """Something does not keep to its contract; the message is one sentence.

    It reads ``<family> '<name>', <check>: <what is wrong>; <what would be right>``.
    """


class _Fault(Exception):  # noqa: N818 - never seen outside
    """What ``require`` raises; the check adds whose fault it is."""


def require(condition: object, sentence: str) -> None:
    """Go on only where a condition holds.

    Args:
        condition: any truth value, a tensor of one element included.
        sentence: what is wrong; what would be right.
    """
    if not condition:
        raise _Fault(sentence)


def check(
    function: Callable[Concatenate[Subject, Options], None],
) -> Callable[Concatenate[Subject, Options], None]:
    """Make a function a check: it runs from a fixed seed and fails with one sentence.

    The check's name is the function's, without ``check_``. An exception that is raised in it, by a
    plugin's code, is a failure too, with the exception as its cause.
    """

    @functools.wraps(function)
    def checked(subject: Subject, /, *args: Options.args, **kwargs: Options.kwargs) -> None:
        __tracebackhide__ = True
        prefix = f"{title(subject)}, {name_of_check(function)}"
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                function(subject, *args, **kwargs)
        except _Fault as fault:
            raise NonConformance(f"{prefix}: {fault}") from None
        except Exception as error:
            raise NonConformance(
                f"{prefix}: {type(error).__name__} was raised ({_first_line(error)}); there must be"
                " no error here"
            ) from error

    return checked


def name_of_check(function: Callable[..., object]) -> str:
    """Return the name of a check, as identifiers of tests have it."""
    return function.__name__.removeprefix("check_").replace("_", "-")


def title(subject: Component | PluginRecord | Recipe) -> str:
    """Return what is checked, in words: its family, its name, and parameters that are not defaults."""
    if isinstance(subject, PluginRecord):
        return f"plugin {subject.name}"
    if isinstance(subject, Recipe):
        return f"recipe {subject.name!r}"
    changed = ", ".join(
        f"{name}={getattr(subject, name)!r}"
        for name in type(subject).model_fields
        if name in subject.model_fields_set and name != "type"
    )
    name = f"{subject.family} {subject.type!r}"
    return f"{name} ({changed})" if changed else name


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or "without a message"
