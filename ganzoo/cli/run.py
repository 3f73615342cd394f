"""``ganzoo run`` and ``ganzoo resume``: training."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import click

from ganzoo import api
from ganzoo.cli.completion import complete_run, complete_spec
from ganzoo.cli.failures import say
from ganzoo.cli.output import number_words, write_json
from ganzoo.cli.progress import Progress, display_for, duration_words, numbers_words
from ganzoo.cli.specs import read_argument
from ganzoo.errors import Interrupted
from ganzoo.runs.history import History
from ganzoo.utils.progress import reporting_to

quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")


@click.command()
@click.argument("spec", shell_complete=complete_spec)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field of the spec; may be given more than once.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Run directory to make; it must not exist. <output.directory>/<name>-<n> by default.",
)
@click.option("--name", help="Short for --set name=NAME.")
@click.option("--device", help="Short for --set device=DEVICE: auto, cpu, cuda, cuda:1, mps.")
@click.option("--dry-run", is_flag=True, help="Check the spec, write it out resolved, and stop.")
@quiet_option
def run(
    spec: str,
    assignments: tuple[str, ...],
    output: Path | None,
    name: str | None,
    device: str | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train what a spec says, and leave a run directory, whose path is written at the end.

    SPEC is a JSON file, the name of a recipe, or - for standard input. Values of --set are read as
    JSON, or else as text. Ctrl-C stops after saving; 'ganzoo resume' goes on from there.

    \b
      ganzoo run mlp-mnist
      ganzoo run spec.json --set training.batch_size=128 --set generator.activation=elu
      ganzoo run mlp-mnist --set training.duration="2 epochs" --device cpu -o runs/short
    """
    overrides = list(assignments)
    overrides += [
        f"{key}={json.dumps(value)}" for key, value in (("name", name), ("device", device)) if value
    ]
    loaded = api.load_spec(read_argument(spec), overrides=overrides)
    if dry_run:
        loaded.check()
        write_json(loaded.to_json())
        return
    _train(lambda progress: api.run(loaded, output=output, listeners=[progress]), quiet=quiet)


@click.command()
@click.argument("run", shell_complete=complete_run)
@quiet_option
def resume(run: str, quiet: bool) -> None:
    """Train a stopped run on, from its newest checkpoint.

    The result is the one that the run would have had, had it never been stopped.

    \b
      ganzoo resume runs/mlp-mnist-1
    """
    _train(lambda progress: api.resume(run, listeners=[progress]), quiet=quiet)


def _train(train: Callable[[Progress], api.Run], *, quiet: bool) -> None:
    """Train with a display of progress, then say what came of it."""
    progress = Progress(display_for(quiet=quiet))
    try:
        with progress, reporting_to(progress.prepare):
            finished = train(progress)
    except Interrupted as stop:
        where = "RUN" if progress.run is None else shlex.quote(str(progress.run.path))
        say(f"stopped and saved after step {stop.step}; go on with: ganzoo resume {where}")
        raise click.exceptions.Exit(stop.exit_code) from None
    if not quiet:
        _summarize(finished, progress)
    click.echo(finished.path)


def _summarize(finished: api.Run, progress: Progress) -> None:
    """Say what a run took, what came out, and what can be done with it."""
    path = finished.path
    rows = finished.metrics()
    if progress.step == progress.began_at:
        say(f"{path.name} was finished before, at step {progress.step}")
    else:
        new = [row for row in rows if row["step"] > progress.began_at]
        seconds = sum(row["seconds"] for row in new)
        images = sum(row["images_per_second"] * row["seconds"] for row in new)
        speed = f", {images / seconds:,.0f} images/s" if seconds else ""
        steps = progress.step - progress.began_at
        say(f"{path.name} is trained: {steps} steps in {duration_words(seconds)}{speed}")
    lines = []
    if rows:
        losses = {key: value for key, value in rows[-1].items() if key != "images_per_second"}
        lines.append(("at the end", numbers_words(losses)))
    lines += [("evaluation", line) for line in _evaluation(finished)]
    lines += [("samples", str(grid)) for grid in finished.directory.sample_grids()[-1:]]
    quoted = shlex.quote(str(path))
    lines.append(("more samples", f"ganzoo sample {quoted}"))
    lines.append(("loss curves", f"ganzoo plot losses {quoted}"))
    for title, text in lines:
        say(f"  {title:<14}{text}")


def _evaluation(finished: api.Run) -> list[str]:
    """Say which checkpoint was best, and how good the last one is."""
    history = History(finished.directory)
    best, final = history.best, history.newest
    if best is None or final is None:
        return []
    value, last = history.deciding_value(best), history.deciding_value(final)
    if value is None or last is None:
        return []
    shown = f"{value.name} best {number_words(value)} (step {best.step})"
    real = value.baseline_value
    return [
        f"{shown}, at the end {number_words(last)}"
        + ("" if real is None else f"; real samples get {real:.4g}"),
        f"took {sum(each.report.seconds for each in history.points):.1f} s in all",
    ]
