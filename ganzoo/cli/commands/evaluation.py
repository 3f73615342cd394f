"""``ganzoo evaluate`` and ``ganzoo evaluate-images``: how good samples are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.api import evaluate_images as evaluate_files
from ganzoo.api import open_run
from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import check_outputs, checkpoint_option, force_option, numbers_of
from ganzoo.cli.output import FAILED, number_words, say, write_table
from ganzoo.cli.progress import showing_progress

if TYPE_CHECKING:
    from ganzoo.runs.report import Report, Value

Choices = list[str | dict[str, Any]] | None


def _names_or_json(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> Choices:
    """Read names separated by commas, or JSON: one component, or a list of them."""
    if text is None:
        return None
    if not text.lstrip().startswith(("[", "{")):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error.msg} at column {error.colno}") from None
    return read if isinstance(read, list) else [read]


def _go_offline(_context: click.Context, _parameter: click.Parameter, offline: bool) -> None:
    if offline:
        os.environ["GANZOO_OFFLINE"] = "1"


def _measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that both commands share; their names are those of the request's fields."""
    options = (
        click.option(
            "--metrics",
            metavar="NAMES|JSON",
            callback=_names_or_json,
            help="What to measure, such as fid,kid,prdc ('ganzoo list metric').",
        ),
        click.option(
            "--extractor",
            metavar="NAME|JSON",
            callback=_names_or_json,
            help="What turns samples into features ('ganzoo list extractor').",
        ),
        click.option(
            "--extractor-weights",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Weights of the extractor; found, or downloaded once, by default.",
        ),
        click.option(
            "--baseline/--no-baseline",
            default=True,
            show_default=True,
            help="Measure real samples against real samples, too.",
        ),
        click.option(
            "--device",
            default="auto",
            show_default=True,
            help="Where to compute: auto, cpu, cuda, cuda:1, mps.",
        ),
        click.option(
            "--offline",
            is_flag=True,
            expose_value=False,
            callback=_go_offline,
            help="Download nothing.",
        ),
        click.option(
            "--json",
            "json_path",
            metavar="FILE",
            type=click.Path(path_type=Path, allow_dash=True),
            help="Write the whole report as JSON to a file; - is standard output.",
        ),
        force_option,
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.option(
    "--reference",
    metavar="SPLIT",
    help="Split to compare with; test by default, if the data set has it.",
)
@click.option(
    "-n",
    "--num-samples",
    "samples",
    type=click.IntRange(2),
    default=10_000,
    show_default=True,
    help="Samples generated for each seed.",
)
@click.option(
    "--seeds",
    metavar="NUMBERS",
    callback=numbers_of(int, "0,1,2"),
    default="0,1,2",
    show_default=True,
    help="Generate a fresh set of samples for each seed, to measure the spread of a number.",
)
@click.option(
    "--weights",
    type=click.Choice(["ema", "raw"]),
    help="Averaged weights, or those last trained; averaged by default, if the run kept them.",
)
@checkpoint_option
@click.option(
    "--truncation",
    type=float,
    help="Cut off the distribution of latents: normal ones at so many standard deviations.",
)
@_measuring
def evaluate(
    run: str,
    checkpoint: str,
    extractor: Choices,
    extractor_weights: Path | None,
    json_path: Path | None,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure how good a run's samples are. The report is kept in the run directory.

    Each number stands beside its real-data baseline: what real samples get against other real samples.
    The exit code is 1 if a number could not be measured or the samples are suspect.

    \b
      ganzoo evaluate runs/digits-1
      ganzoo evaluate runs/digits-1 --metrics fd,kd,prdc --checkpoint best
      ganzoo evaluate runs/dcgan-1 --metrics fid,kid -n 50000 --seeds 0
    """
    _check_json(json_path, force=force)
    opened = open_run(run, checkpoint)
    with showing_progress(quiet=quiet):
        report = opened.evaluate(extractor=_one_extractor(extractor, extractor_weights), **options)
    if report.values:
        say(f"kept as {opened.directory.reports()[-1]}")
    _show(report, json_path)


@click.command("evaluate-images")
@click.argument("generated", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Resize all images to this height and width first; otherwise they must be of one size.",
)
@click.option(
    "--mode",
    type=click.Choice(["rgb", "grey"]),
    help="Convert all images first; otherwise both sets must be grey, or both in colour.",
)
@_measuring
def evaluate_images(
    generated: Path,
    reference: Path,
    extractor: Choices,
    extractor_weights: Path | None,
    json_path: Path | None,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Compare images of any model, GENERATED, with real ones, REFERENCE.

    Each is a folder, a zip file, or an .npy or .npz file of images.

    \b
      ganzoo evaluate-images samples/ cifar10-test.zip
      ganzoo evaluate-images samples.npy digits.npz --extractor lenet-mnist
    """
    _check_json(json_path, force=force)
    options["extractor"] = _one_extractor(extractor, extractor_weights)
    with showing_progress(quiet=quiet):
        report = evaluate_files(generated, reference, **options)
    _show(report, json_path)


def _one_extractor(choices: Choices, weights: Path | None) -> str | dict[str, Any] | None:
    if choices is not None and len(choices) != 1:
        raise click.BadParameter("name one", param_hint="--extractor")
    chosen = None if choices is None else choices[0]
    if weights is None:
        return chosen
    named = {"type": chosen or "inception"} if not isinstance(chosen, dict) else chosen
    return {**named, "weights": str(weights)}


def _check_json(path: Path | None, *, force: bool) -> None:
    if path is not None and str(path) != "-":
        check_outputs(path, force=force, option="--json")


def _show(report: Report, json_path: Path | None) -> None:
    """Write the numbers, then what to know about them.

    Raises:
        Exit: with 1, if a number is missing or the samples are suspect.
    """
    if not report.values:  # only the first of several processes has the numbers
        return
    if json_path is not None and str(json_path) == "-":
        click.echo(report.model_dump_json(indent=2))
    else:
        click.echo(_heading(report))
        write_table([("", "value", "baseline", "better"), *map(_row, report.values)])
    if json_path is not None and str(json_path) != "-":
        report.write(json_path)
    for line in _remarks(report.values):
        say(f"note: {line}")
    for each in report.values:
        if each.reason is not None:
            say(f"error: {each.name}: {each.reason}")
    for problem in report.problems:
        say(f"error: {problem}")
    if not report.complete:
        raise click.exceptions.Exit(FAILED)


def _heading(report: Report) -> str:
    """Return what was measured, so that a table can be understood where it is pasted."""
    subject = report.subject
    step = "" if subject.step is None else f" step {subject.step}"
    remarks = [] if subject.weights is None else [f"{subject.weights} weights"]
    if subject.truncation is not None:
        remarks.append(f"truncation {subject.truncation:g}")
    remark = f" ({', '.join(remarks)})" if remarks else ""
    count = next(iter(report.protocols.values()))["generated"]["count"]
    seeds = f", seeds {', '.join(map(str, report.seeds))}" if report.seeds else ""
    return f"{subject.name}{step}{remark}: {count:,} samples{seeds}, against {report.reference}"


def _row(value: Value) -> tuple[str, str, str, str]:
    real = value.baseline_value
    return (
        value.name,
        number_words(value),
        "" if real is None else f"{real:.4g}",
        value.better or "",
    )


def _remarks(values: Sequence[Value]) -> list[str]:
    """Return all warnings, each once with the values it is about."""
    about: dict[str, list[str]] = {}
    for value in values:
        for warning in value.warnings:
            about.setdefault(warning, []).append(value.name)
    return [f"{', '.join(names)}: {warning}" for warning, names in about.items()]
