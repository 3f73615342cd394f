"""Options that several commands share, and checks of the files that commands write."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.completion import complete_run
from ganzoo.errors import UsageError
from ganzoo.utils.consent import trusting

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
Callback = Callable[[click.Context, click.Parameter, Any], Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field of the spec; may be given more than once.",
)


def _trust(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.with_resource(trusting(value))


trust_option = click.option(
    "--trust",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_trust,
    help="Run local plugins that are copied in a run directory, even if someone else made it.",
)


def run_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument that names a run directory, and the option to trust it."""
    return click.argument("run", shell_complete=complete_run)(trust_option(command))


checkpoint_option = click.option(
    "--checkpoint",
    metavar="last|best|STEP",
    default="last",
    help="Which checkpoint to use; the best is chosen by the evaluations during training.",
)
truncation_option = click.option(
    "--truncation",
    type=float,
    help="Truncate what samples are generated from: normal latents at this number of standard"
    " deviations, StyleGAN's styles by this factor.",
)


def output_option(text: str) -> Decorator:
    """Return the option for the file or folder that a command writes; ``text`` is its help."""
    return click.option("-o", "--output", type=click.Path(path_type=Path), help=text)


def output_options(text: str) -> Decorator:
    """Return the same option, and ``--force``, for a command that may overwrite files."""
    return lambda command: output_option(text)(force_option(command))


MOST_IN_RANGE = 100_000


def numbers_of(kind: type[int] | type[float], example: str) -> Callback:
    """Return a callback that reads numbers separated by commas; integers may be ranges (``0-5``)."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return None
        numbers: list[float] = []
        try:
            for part in text.split(","):
                first, dash, last = part.strip().partition("-")
                if kind is float or not (dash and first):
                    numbers.append(kind(part))
                elif int(first) <= int(last) < int(first) + MOST_IN_RANGE:
                    numbers += range(int(first), int(last) + 1)
                else:
                    raise ValueError
        except ValueError:
            message = f"{text!r} is not a list of numbers such as {example}"
            raise click.BadParameter(message) from None
        return numbers

    return read


def free_path(stem: str, *suffixes: str) -> Path:
    """Return ``stem`` with the first suffix, numbered (``stem-2``, …) if a file with any exists."""
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    free = (name for name in names if not any(Path(name + each).exists() for each in suffixes))
    return Path(next(free) + suffixes[0])


def check_outputs(*paths: Path, force: bool, option: str = "-o") -> None:
    """Refuse paths that exist (without ``force``), are folders, or lie in none; done before any work."""
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file")
        if path.exists() and not force:
            raise UsageError(f"{path}: exists already; name another with {option}, or add --force")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: the folder {path.parent} does not exist; create it first")
