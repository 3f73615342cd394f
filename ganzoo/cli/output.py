"""What commands write: results to standard output, everything for people to standard error."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.utils.text import printable

if TYPE_CHECKING:
    from ganzoo.runs.report import Value

FAILED = 1
"""The exit code of a command whose result is incomplete or bad."""

NARROWEST = 24
"""The last column of a table moves to lines of its own if fewer characters are left for it."""


def say(line: str) -> None:
    """Write a line to standard error, so that standard output is left to programs.

    Where that cannot be written (closed, or a log on a full disk) work goes on without it.
    """
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{printable(line)}\n")


def write(text: object, *, nl: bool = True) -> None:
    """Write a text, or a path, to standard output."""
    click.echo(printable(str(text)), nl=nl)


def flush_output() -> None:
    """Write out standard output; an ``OSError`` names it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try again at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OSError(error.errno, error.strerror, "standard output") from None


def write_json(data: Any) -> None:
    """Write data as JSON to standard output."""
    write(json.dumps(data, indent=2))


def write_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Write rows of as many cells each, in columns behind an indent, to standard output.

    On a terminal, the last column is wrapped to the terminal's width; elsewhere each row is one line.
    """
    if not rows:
        return
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)][:-1]
    left = len(indent) + sum(widths) + 2 * len(widths)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    below = bool(widths) and 0 < width < left + NARROWEST
    left = len(indent) + 4 if below else left
    for *cells, last in rows:
        lines = textwrap.wrap(last, max(width - left, NARROWEST)) if width else [last]
        padded = zip(cells, widths, strict=True)
        start = indent + "".join(f"{cell.ljust(space)}  " for cell, space in padded)
        if not below:
            start += lines.pop(0) if lines else ""
        write(start.rstrip())
        for line in lines:
            write(" " * left + line)


def number_words(value: Value) -> str:
    """Write a measured number with its standard deviation."""
    if value.mean is None:
        return "none"
    return f"{value.mean:.4g}" if value.std is None else f"{value.mean:.4g} ± {value.std:.2g}"


def size_words(size: int) -> str:
    """Write a number of bytes with a unit."""
    power = min(max(0, size.bit_length() - 1) // 10, 3)
    unit = ("bytes", "KiB", "MiB", "GiB")[power]
    return f"{size / 1024**power:.{min(power, 1)}f} {unit}"


def program_command() -> str:
    """Return how to start this program again from the same shell."""
    if "UV_RUN_RECURSION_DEPTH" in os.environ:  # started with `uv run`, perhaps in no active venv
        return "uv run ganzoo"
    if shutil.which("ganzoo"):
        return "ganzoo"
    started = Path(sys.argv[0])
    return shlex.quote(str(started)) if started.stem == "ganzoo" else "python -m ganzoo"


@contextmanager
def readable_warnings() -> Iterator[None]:
    """Show warnings that are meant for users as one line each, without a place in the code."""
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, UserWarning):
                say(f"warning: {' '.join(str(message).split())}")
            else:
                show_others(message, category, *where, **more)

        warnings.showwarning = show
        yield
