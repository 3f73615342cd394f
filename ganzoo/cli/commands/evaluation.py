"""``ganzoo evaluate``, ``evaluate-images`` and ``compare``: how good samples are."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo import api
from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.completion import complete_run
from ganzoo.cli.output import FAILED, number_words, say, write, write_json, write_table
from ganzoo.cli.progress import showing_progress
from ganzoo.evaluation.compare import Comparison
from ganzoo.evaluation.compare import compare as compare_reports

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


def _measuring(measure: Callable[..., Report]) -> Callable[..., None]:
    """Turn a function that returns a report into a command that shows it, with the common options."""

    @functools.wraps(measure)
    def command(
        extractor: Choices,
        extractor_weights: Path | None,
        json_path: Path | None,
        force: bool,
        quiet: bool,
        **request: Any,
    ) -> None:
        if json_path is not None and str(json_path) != "-":
            options.check_outputs(json_path, force=force, option="--json")
        request["extractor"] = _one_extractor(extractor, extractor_weights)
        with showing_progress(quiet=quiet):
            report = measure(**request)
        if report.values:  # only the first of several processes has the numbers
            _show(report, json_path)

    shared = (
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
            help="Measure real samples against real samples, too.",
        ),
        click.option(
            "--device", default="auto", help="Where to compute: auto, cpu, cuda, cuda:1, mps."
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
        options.force_option,
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
    )
    for option in reversed(shared):
        command = option(command)
    return command


@click.command()
@options.run_argument
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
    help="Samples generated for each seed.",
)
@click.option(
    "--seeds",
    metavar="NUMBERS",
    callback=options.numbers_of(int, "0,1,2"),
    default="0,1,2",
    help="Generate a fresh set of samples for each seed, to measure the spread of a number.",
)
@click.option(
    "--weights",
    type=click.Choice(["ema", "raw"]),
    help="Averaged weights, or those last trained; averaged by default, if the run kept them.",
)
@options.checkpoint_option
@options.truncation_option
@_measuring
def evaluate(run: str, checkpoint: str, **request: Any) -> Report:
    """Measure how good a run's samples are. The report is kept in the run directory.

    Each number stands beside its real-data baseline: what real samples get against other real samples.
    The exit code is 1 if a number could not be measured or the samples are suspect.

    \b
      ganzoo evaluate runs/digits-1
      ganzoo evaluate runs/digits-1 --metrics fd,kd,prdc --checkpoint best
      ganzoo evaluate runs/dcgan-1 --metrics fid,kid -n 50000 --seeds 0
    """
    opened = open_run(run, checkpoint)
    report = opened.evaluate(**request, save=False)
    # What a name such as model:digits stands for lies in a package, which is not for users to change.
    kept = opened.keep(report) if report.values and Path(run).exists() else None
    if kept is not None:
        say(f"kept as {kept}")
    return report


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
def evaluate_images(generated: Path, reference: Path, **request: Any) -> Report:
    """Compare images of any model, GENERATED, with real ones, REFERENCE.

    Each is a folder, a zip file, or an .npy or .npz file of images.

    \b
      ganzoo evaluate-images samples/ cifar10-test.zip
      ganzoo evaluate-images samples.npy digits.npz --extractor lenet-mnist
    """
    return api.evaluate_images(generated, reference, **request)


@click.command()
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=complete_run
)
@options.json_option
@options.output_options(
    "PNG, SVG or PDF file to plot the numbers to, with their spread and their baselines."
)
def compare(runs: tuple[Path, ...], as_json: bool, output: Path | None, force: bool) -> None:
    """Compare evaluated runs.

    Each of RUNS is a run directory, or the JSON file of a report. Numbers that were measured in
    different ways are never in one row: a quantity has a row for each way, and a note tells how they
    differ.

    \b
      ganzoo compare runs/digits-1 runs/digits-2
      ganzoo compare runs/digits-* -o comparison.png
    """
    if output is not None:
        options.check_outputs(output, force=force)
    comparison = compare_reports(runs)
    if as_json:
        write_json(_as_json(comparison))
    else:
        _write_table(comparison)
        for note in comparison.notes:
            say(f"note: {note}")
    if output is not None:
        from ganzoo.visual.comparison import save_comparison

        save_comparison(comparison, output)
        say(f"written to {output}")


def _one_extractor(choices: Choices, weights: Path | None) -> str | dict[str, Any] | None:
    if choices is not None and len(choices) != 1:
        raise click.BadParameter("name one", param_hint="--extractor")
    chosen = None if choices is None else choices[0]
    if weights is None:
        return chosen
    named = {"type": chosen or "inception"} if not isinstance(chosen, dict) else chosen
    return {**named, "weights": str(weights)}


def _show(report: Report, json_path: Path | None) -> None:
    """Write the numbers, then what to know about them; exit with 1 if some are missing or suspect."""
    if str(json_path) == "-":
        write(report.to_json(), nl=False)
    else:
        write(_heading(report))
        write_table([("", "value", "baseline", "better"), *map(_row, report.values)])
        if json_path is not None:
            report.write(json_path)
    about: dict[str, list[str]] = {}  # each warning once, with the values it is about
    for value in report.values:
        for warning in value.warnings:
            about.setdefault(warning, []).append(value.name)
    for warning, names in about.items():
        say(f"note: {', '.join(names)}: {warning}")
    for value in report.values:
        if value.reason is not None:
            say(f"error: {value.name}: {value.reason}")
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
    baseline = "" if value.baseline_value is None else f"{value.baseline_value:.4g}"
    return value.name, number_words(value), baseline, value.better or ""


def _write_table(comparison: Comparison) -> None:
    table = [("", *(column.title for column in comparison.columns), "baseline", "better")]
    for row in comparison.rows:
        values = [column.value(row) for column in comparison.columns]
        cells = ["-" if each is None else number_words(each) for each in values]
        # Runs that were trained on different splits have different baselines.
        real = [None if each is None else each.baseline_value for each in values]
        baselines = dict.fromkeys(f"{each:.4g}" for each in real if each is not None)
        table.append((row.title, *cells, " / ".join(baselines), row.better or ""))
    write_table(table)


def _as_json(comparison: Comparison) -> object:
    columns = [
        {
            "title": column.title,
            "values": {
                row.title: value.model_dump(mode="json")
                for row in comparison.rows
                if (value := column.value(row)) is not None
            },
            "problems": column.problems,
        }
        for column in comparison.columns
    ]
    rows = [asdict(row) for row in comparison.rows]
    return {"rows": rows, "columns": columns, "notes": comparison.notes}
