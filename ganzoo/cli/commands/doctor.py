"""``ganzoo doctor``: what a run will take, from a few of its real steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from ganzoo import api
from ganzoo.cli import options
from ganzoo.cli.commands.specs import read_argument
from ganzoo.cli.completion import complete_spec
from ganzoo.cli.output import size_words, write, write_json
from ganzoo.cli.progress import duration_words, showing_progress

if TYPE_CHECKING:
    from ganzoo.training.preflight import Preflight


@click.command()
@click.argument("spec", shell_complete=complete_spec)
@options.set_option
@options.trust_option
@options.json_option
@options.quiet_option
def doctor(spec: str, assignments: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Say what a run will take: time, memory and disk, and what would make it faster.

    Data are read, networks are built and trained for some seconds, and a grid, a checkpoint and an
    evaluation are timed, in a temporary folder. Decoded images and features of real samples stay in the
    cache, where the run will find them.

    \b
      ganzoo doctor digits
      ganzoo doctor spec.json --set training.batch_size=128
    """
    loaded = api.load_spec(read_argument(spec), overrides=assignments)
    with showing_progress(quiet=quiet):
        found = api.preflight(loaded)
    if as_json:
        write_json(found.to_json())
        return
    for line in preflight_lines(found):
        write(line)


def preflight_lines(found: Preflight) -> list[str]:
    """Return what a run will take in words, one line a fact."""
    parts = "" if found.accumulation == 1 else f", in {found.accumulation} parts"
    plural = "" if found.threads == 1 else "s"
    threads = f", with {found.threads} thread{plural}" if found.device == "cpu" else ""
    memory = "unknown" if found.memory is None else size_words(found.memory)
    if found.memory_available is not None:
        memory += f" of {size_words(found.memory_available)}"
    seconds = {
        name if name not in found.times else f"{found.times[name]} {name}": duration_words(each)
        for name, each in found.seconds.items()
        if each >= 0.5 or name == "training"
    }
    rows = [
        ("device", found.device),
        ("parameters", _listed({name: f"{each:,}" for name, each in found.parameters.items()})),
        ("batch", f"{found.batch_size}{parts}"),
        ("memory", f"{memory}, at its peak"),
        (
            "speed",
            f"{found.images_per_second:,.0f} images/s, {1000 * found.step_seconds:.3g} ms a step"
            f"{threads}",
        ),
        (
            "time",
            f"{duration_words(found.total_seconds)} for {found.steps:,} steps: {_listed(seconds)}",
        ),
        (
            "disk",
            f"{size_words(sum(found.disk.values()))}:"
            f" {_listed({name: size_words(each) for name, each in found.disk.items()})}",
        ),
        ("step", _listed({name: f"{each:.0%}" for name, each in found.step_parts.items()})),
        *(("faster", each) for each in found.advice),
    ]
    # The steps of the shortest runs are too few to tell their parts apart.
    return [f"{title:<12}{text}" for title, text in rows if text]


def _listed(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in parts.items())
