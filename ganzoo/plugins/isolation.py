"""Running a plugin's code so that it spoils nothing else."""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, TextIO

from ganzoo.errors import PluginWarning, in_a_line

HEAVY = "torch"
"""The package that plugins must not import before something is built: it takes seconds."""


@dataclass
class Overheard:
    """What a plugin said while it was loaded, a line for each.

    Attributes:
        faults: what it must not do.
        warnings: what it warned of.
    """

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@contextmanager
def isolated(where: str, overheard: Overheard, *, noted: bool = True) -> Iterator[None]:
    """Keep to itself what code of a plugin prints and warns of; an exception gets a note.

    Standard output belongs to commands: a line in it that is not theirs would spoil their JSON.

    Args:
        where: what the plugin is asked to do, such as ``importing ganzoo_dcgan.plugin``.
        overheard: what was printed and warned of is added here.
        noted: whether an exception gets a note of where it was raised.
    """
    # Like the real one, it has an encoding and a buffer and can be reconfigured.
    raw = io.BytesIO()
    printed = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)

    def note(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del filename, lineno, file, line
        text = " ".join(str(message).split())
        overheard.warnings.append(f"{where}, it warned: {category.__name__}: {text}")

    # Not catch_warnings, which would take back the filters of what the plugin imports first.
    show_otherwise, warnings.showwarning = warnings.showwarning, note
    filters = list(warnings.filters)
    had_heavy = HEAVY in sys.modules
    try:
        with redirect_stdout(printed):
            yield
    except BaseException as error:
        if noted:
            error.add_note(where)
        raise
    finally:
        warnings.showwarning = show_otherwise
        _forget_blanket_filters(filters)
        if lines := _lines_of(raw):
            more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
            overheard.faults.append(
                f"{where}, it printed {lines[0]!r}{more}; standard output is for commands"
            )
        if HEAVY in sys.modules and not had_heavy:
            overheard.faults.append(
                f"{where}, it imported {HEAVY}, which makes every command slow to start; the place"
                " for that is where a component is built"
            )


def _forget_blanket_filters(before: list[Any]) -> None:
    """Take back filters that would silence what ganzoo says of plugins, or make errors of it."""
    for each in list(warnings.filters):
        _, message, category, module, _ = each
        if (
            each not in before
            and not message
            and not module
            and issubclass(PluginWarning, category)
        ):
            warnings.filters.remove(each)  # type: ignore[attr-defined] # it is a list, typed as less


def innermost(error: BaseException, packages: Collection[str]) -> str | None:
    """Return which of some top-level packages an exception came from: the last that was called."""
    blamed = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in packages:
            blamed = package
    return blamed


def cause_of(error: BaseException) -> str:
    """Say in one line why a plugin failed."""
    if isinstance(error, SystemExit):
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        return f"it tried to end the program with exit code {error.code}{notes}"
    return in_a_line(error)


def _lines_of(printed: io.BytesIO) -> list[str]:
    """Return what was printed, without empty lines."""
    if printed.closed:  # by the plugin
        return []
    text = printed.getvalue().decode("utf-8", "replace")
    return [line for each in text.splitlines() if (line := " ".join(each.split()))]
