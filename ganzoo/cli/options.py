"""Options that several commands share, and checks of the files that commands write."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import click

from ganzoo.errors import UsageError

Callback = Callable[[click.Context, click.Parameter, Any], Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
checkpoint_option = click.option(
    "--checkpoint",
    metavar="last|best|STEP",
    default="last",
    show_default=True,
    help="Which checkpoint to use; the best is chosen by the evaluations during training.",
)


def output_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for the file or folder that a command writes; ``text`` is its help."""
    return click.option("-o", "--output", type=click.Path(path_type=Path), help=text)


def numbers_of(kind: type[int] | type[float], example: str) -> Callback:
    """Return a callback that reads numbers separated by commas; integers may be ranges (``0-5``)."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return None
        numbers: list[float] = []
        try:
            for part in text.split(","):
                first, dash, last = part.strip().partition("-")
                if kind is int and dash and first:
                    numbers += _range(int(first), int(last))
                else:
                    numbers.append(kind(part))
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is not a list of numbers such as {example}"
            ) from None
        return numbers

    return read


def _range(first: int, last: int) -> range:
    if last < first:
        raise ValueError
    return range(first, last + 1)


def free_path(stem: str, *suffixes: str) -> Path:
    """Return ``stem`` with the first suffix, numbered (``stem-2``, …) if a file with any exists."""
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    free = next(
        name for name in numbered if not any(Path(name + suffix).exists() for suffix in suffixes)
    )
    return Path(free + suffixes[0])


def check_outputs(*paths: Path, force: bool, option: str = "-o") -> None:
    """Make sure that files can be written, before any work is done for them.

    Raises:
        UsageError: one exists and ``force`` is not set, or its folder does not exist.
    """
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file")
        if path.exists() and not force:
            raise UsageError(f"{path}: exists already; name another with {option}, or add --force")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: the folder {path.parent} does not exist; create it first")
