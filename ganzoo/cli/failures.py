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

from ganzoo.errors import GanzooError, PluginWarning

FAILED, STOPPED, BROKEN_PIPE = 1, 130, 141


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
        return BROKEN_PIPE
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
    """Show warnings about plugins as one line, without the place in ganzoo that noticed."""
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
            if issubclass(category, PluginWarning):
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
    if isinstance(error, click.UsageError):
        hint = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
        _say_error(f"{error.format_message()}{hint}")
        return error.exit_code
    if isinstance(error, click.ClickException):
        _say_error(error.format_message())
        return error.exit_code
    if isinstance(error, GanzooError):
        for line in str(error).splitlines():
            _say_error(line)
        return error.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        _say_error(f"{error.filename}: {error.strerror}")
        return FAILED
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which must not be imported for this
        _say_error(
            "the device is out of memory; lower training.batch_size or raise training.accumulation"
        )
        return FAILED
    what = " ".join(f"{type(error).__name__}: {error}".split())
    _say_error(f"{what}. This is a bug of ganzoo or of a plugin; 'ganzoo --debug ...' shows where")
    return FAILED


def _say_error(message: str) -> None:
    say(f"error: {message}")
