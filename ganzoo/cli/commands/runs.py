"""``ganzoo run``, ``resume``, ``branch`` and ``plot losses``: training and what it logged."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from ganzoo import api
from ganzoo.cli import options
from ganzoo.cli.commands.doctor import preflight_lines
from ganzoo.cli.commands.specs import read_argument
from ganzoo.cli.completion import complete_spec
from ganzoo.cli.output import number_words, program_command, say, write, write_json
from ganzoo.cli.progress import Progress, duration_words, metric_words, showing_progress
from ganzoo.errors import Interrupted
from ganzoo.opened import Run
from ganzoo.runs.history import History
from ganzoo.runs.verdict import verdict_of
from ganzoo.utils.files import naming

new_run_option = options.output_option(
    "Run directory to create; it must not exist. Default: <output.directory>/<name>-<n>."
)


@click.command()
@click.argument("spec", shell_complete=complete_spec)
@options.set_option
@new_run_option
@click.option("--name", help="Short for --set name=NAME.")
@click.option("--seed", type=int, help="Short for --set seed=SEED.")
@click.option("--device", help="Short for --set device=DEVICE: auto, cpu, cuda, cuda:1, mps.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check the spec, write the resolved spec, say what the run will take (as 'ganzoo doctor' does;"
    " not with -q), and stop.",
)
@options.trust_option
@options.quiet_option
def run(
    spec: str,
    assignments: tuple[str, ...],
    output: Path | None,
    name: str | None,
    seed: int | None,
    device: str | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train as a spec describes, in a new run directory, whose path is written at the end.

    SPEC is a JSON file, the name of a recipe, or - for standard input. Values of --set are read as
    JSON if possible, otherwise as strings. Ctrl-C saves the run and stops it; 'ganzoo resume' continues
    it.

    \b
      ganzoo run mlp-mnist
      ganzoo run spec.json --set training.batch_size=128 --set generator.activation=elu
      ganzoo run mlp-mnist --set training.duration="2 epochs" --device cpu -o runs/short
    """
    shorthands = {"name": name, "seed": seed, "device": device}
    overrides = list(assignments)
    overrides += [f"{key}={json.dumps(it)}" for key, it in shorthands.items() if it is not None]
    loaded = api.load_spec(read_argument(spec), overrides=overrides)
    if dry_run:
        api.check(loaded)
        write_json(loaded.to_json())
        if not quiet:
            with showing_progress(quiet=False):
                found = api.preflight(loaded)
            for line in preflight_lines(found):
                say(line)
        return
    _train(lambda progress: api.run(loaded, output=output, listeners=[progress]), quiet=quiet)


@click.command()
@options.run_argument
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="A longer training.duration, or where the data are now, such as dataset.path=/new/place;"
    " 'ganzoo branch' changes anything else.",
)
@options.quiet_option
def resume(run: str, assignments: tuple[str, ...], quiet: bool) -> None:
    """Resume a stopped run from its newest checkpoint, or train a finished one for longer.

    The result is the same as if the run had never been stopped, or had been longer from the start.

    \b
      ganzoo resume runs/mlp-mnist-1
      ganzoo resume runs/mlp-mnist-1 --set training.duration="40 epochs"
      ganzoo resume runs/faces-1 --set dataset.path=/data/faces
    """
    resumed = partial(api.resume, run, overrides=assignments)
    _train(lambda progress: resumed(listeners=[progress]), quiet=quiet)


@click.command()
@options.run_argument
@options.set_option
@options.checkpoint_option
@new_run_option
@options.quiet_option
def branch(
    run: str, assignments: tuple[str, ...], checkpoint: str, output: Path | None, quiet: bool
) -> None:
    """Continue a run as a new one with changed settings.

    Everything that still fits is kept: weights, averages, states of optimizers, the step and the random
    states. The run itself is not changed.

    \b
      ganzoo branch runs/digits-1 --set training.duration="6000 steps"
      ganzoo branch runs/digits-1 --checkpoint best --set loss=hinge --set name=hinge
    """
    changes: Any = {"overrides": assignments, "checkpoint": checkpoint, "output": output}
    _train(lambda progress: api.branch(run, **changes, listeners=[progress]), quiet=quiet)


@click.command()
@options.run_argument
@click.option(
    "--per",
    type=click.Choice(["step", "epoch"]),
    default="step",
    help="Plot every logged step, or the means over epochs.",
)
@options.output_options(
    "PNG, SVG or PDF to write. Default: the run's own losses.png, which is redrawn."
)
def losses(run: str, per: Literal["step", "epoch"], output: Path | None, force: bool) -> None:
    """Plot the losses of a run and the discriminator's mean scores of real and generated samples.

    \b
      ganzoo plot losses runs/mlp-mnist-1
      ganzoo plot losses runs/mlp-mnist-1 --per epoch -o losses.svg
    """
    from ganzoo.visual.curves import losses_title, save_losses

    opened = api.open_run(run)
    path = output or opened.directory.losses_path
    options.check_outputs(path, force=force or output is None)
    save_losses(opened.metrics(), path, per=per, title=losses_title(opened.directory))
    write(path)


def _train(train: Callable[[Progress], Run], *, quiet: bool) -> None:
    try:
        with showing_progress(quiet=quiet) as display:
            progress = Progress(display)
            finished = train(progress)
    except Interrupted as stop:
        where = "RUN" if progress.run is None else shlex.quote(str(progress.run.path))
        again = f"{program_command()} resume {where}"
        say(f"stopped and saved after step {stop.step}; resume it with: {again}")
        raise click.exceptions.Exit(stop.exit_code) from None
    if not quiet:
        _summarize(finished, progress)
    # The run is finished, whether or not somebody reads its path.
    with suppress(BrokenPipeError), naming(Path("standard output")):
        write(finished.path)


def _summarize(finished: Run, progress: Progress) -> None:
    """Say how long training took, what it achieved, and what can be done next."""
    path = finished.path
    rows = finished.metrics()
    if progress.step == progress.began_at:
        verb = "branch" if finished.spec.schedules() else "resume"
        say(
            f"{path.name} was already finished, at step {progress.step}; train it for longer with: "
            f"{program_command()} {verb} {shlex.quote(str(path))} --set training.duration=…"
        )
    else:
        new = [row for row in rows if row["step"] > progress.began_at]
        seconds = sum(row.get("seconds", 0) for row in new)
        images = sum(row.get("images_per_second", 0) * row.get("seconds", 0) for row in new)
        speed = f", {images / seconds:,.0f} images/s" if seconds else ""
        steps = progress.step - progress.began_at
        say(f"{path.name} is trained: {steps} steps in {duration_words(seconds)}{speed}")
    for action in finished.directory.actions():
        if action["action"] == "stop":
            say(f"stopped at step {action['step']} by {action['callback']}: {action['reason']}")
    lines = []
    if rows:
        losses = {key: value for key, value in rows[-1].items() if key != "images_per_second"}
        lines.append(("at the end", "  ".join(metric_words(losses))))
    lines += [("evaluation", line) for line in _evaluation(finished)]
    lines += [("samples", str(grid)) for grid in finished.directory.sample_grids()[-1:]]
    width = shutil.get_terminal_size((116, 24)).columns - 16
    words = textwrap.wrap(verdict_of(finished.directory), min(max(width, 24), 100))
    lines += [("" if number else "verdict", line) for number, line in enumerate(words)]
    command, quoted = program_command(), shlex.quote(str(path))
    more = ("more samples", f"{command} sample {quoted}")
    for title, text in (*lines, more, ("loss curves", f"{command} plot losses {quoted}")):
        say(f"  {title:<14}{text}")


def _evaluation(finished: Run) -> list[str]:
    """Return which checkpoint was best, and the quality of the last one."""
    history = History(finished.directory)
    best, final = history.best, history.newest
    if best is None or final is None:
        return []
    value, last = history.deciding_value(best), history.deciding_value(final)
    if value is None or last is None:
        return []
    real = value.baseline_value
    baseline = "" if real is None else f"; real samples score {real:.4g}"
    return [
        f"{value.name} best {number_words(value)} (step {best.step}), at the end"
        f" {number_words(last)}{baseline}",
        f"took {sum(each.report.seconds for each in history.points):.1f} s in all",
    ]
