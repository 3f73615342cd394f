"""What commands write to standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ganzoo.runs.report import Value

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


def write_json(data: Any) -> None:
    """Write data as JSON."""
    click.echo(json.dumps(data, indent=2))


def write_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Write rows in columns.

    On a terminal, the last column is wrapped to its width; elsewhere each row is one line.

    Args:
        rows: cells of text, as many in each.
        indent: what each line starts with.
    """
    if not rows:
        return
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    widths[-1] = 0
    left = len(indent) + sum(widths) + 2 * (len(widths) - 1)
    room = shutil.get_terminal_size().columns - left if sys.stdout.isatty() else 0
    for row in rows:
        *cells, last = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines = textwrap.wrap(last, max(room, 30)) if room else [last]
        start = indent + "".join(f"{cell}  " for cell in cells)
        click.echo((start + (lines[0] if lines else "")).rstrip())
        for line in lines[1:]:
            click.echo(" " * left + line)


def number_words(value: Value) -> str:
    """Write a measured number with its spread."""
    if value.mean is None:
        return "none"
    return f"{value.mean:.4g}" if value.std is None else f"{value.mean:.4g} ± {value.std:.2g}"
