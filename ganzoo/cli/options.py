"""Options that several commands share, and values that click has no type for."""

from __future__ import annotations

from collections.abc import Callable

import click

checkpoint_option = click.option(
    "--checkpoint",
    metavar="last|best|STEP",
    default="last",
    show_default=True,
    help="Which generator; the best is that of the evaluations during training.",
)


def numbers_of(kind: type[int] | type[float], example: str) -> Callable[..., list[float]]:
    """Return a callback that reads numbers with commas between."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str) -> list[float]:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError:
            raise click.BadParameter(f"{text!r} is no list of numbers such as {example}") from None

    return read
