"""From exceptions to one line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from ganzoo.errors import GanzooError, GanzooWarning, in_a_line

FAILED, STOPPED = 1, 130


def exit_code_of(action: Callable[[], object], debug: Callable[[], bool]) -> int:
    """Do something; on an exception, say in a line what went wrong.

    Args:
        action: returns an exit code, or anything else for success.
        debug: whether to print tracebacks, asked after the action.
    """
    try:
        result = action()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (`ganzoo list | head -1`). Python would complain at exit, when it
        # flushes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if debug():
            traceback.print_exception(error)
        return _report(error)
    return result if isinstance(result, int) else 0


def say(line: str) -> None:
    """Write a line for people: to standard error, so that standard output is left to programs."""
    sys.stderr.write(f"{line}\n")


@contextmanager
def readable_warnings() -> Iterator[None]:
    """Show ganzoo's own warnings as one line each, without the place that noticed."""
    with warnings.catch_warnings():
        show_otherwise = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, GanzooWarning):
                say(f"warning: {message}")
            else:
                show_otherwise(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _report(error: BaseException) -> int:
    """Say what went wrong, and return the exit code."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        say("stopped")
        return STOPPED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message())
        return error.exit_code
    for line in _explain(error).splitlines():
        say(f"error: {line}")
    return error.exit_code if isinstance(error, click.ClickException | GanzooError) else FAILED


def _explain(error: BaseException) -> str:
    """Return what a user should know of an error, one problem a line."""
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see '{context.command_path} --help')" if context else ""
        return " ".join(error.format_message().split()) + hint
    if isinstance(error, GanzooError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which must not be imported for this
        return (
            "the device is out of memory; lower training.batch_size or raise training.accumulation"
        )
    return (
        f"{in_a_line(error)}. This is a bug of {_culprit(error)}; 'ganzoo --debug ...' shows where"
    )


def _culprit(error: BaseException) -> str:
    """Say whose code raised an exception that nobody foresaw."""
    plugins = sys.modules.get("ganzoo.plugins")  # where it was not imported, none was loaded
    provider = None if plugins is None else plugins.culprit_of(error)
    return "ganzoo or of a plugin" if provider is None else f"plugin {provider}"
