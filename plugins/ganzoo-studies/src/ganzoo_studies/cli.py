"""The commands ``ganzoo study`` and ``ganzoo sweep``."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.completion import complete_spec
from ganzoo.cli.options import output_option, quiet_option
from ganzoo.cli.output import FAILED, program_command, say, write, write_table
from ganzoo.errors import Problem, RunError, SpecError
from ganzoo.runs import RunDirectory
from ganzoo.spec.overrides import apply_overrides
from ganzoo.utils.files import write_atomically
from ganzoo_studies.plan import Study, points_of, read_study, slug

PLAN, NUMBERS, PAGE, RUNS = "study.json", "results.json", "README.md", "runs"

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Train N runs at a time, in processes that share the cores.",
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check all specs, list the runs, and stop."
)
folder_option = output_option(
    "Folder of the study, new or one to go on with. Default: studies/<name>."
)
set_option = click.option(
    "--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Change a field in all runs."
)


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@set_option
@folder_option
@jobs_option
@dry_run_option
@quiet_option
def study(
    path: Path,
    assignments: tuple[str, ...],
    output: Path | None,
    jobs: int,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train variants of a spec with several seeds, and compare them.

    FILE is a JSON file with a spec, its variants and the seeds, or the folder of a study that was begun.
    Each variant and seed is an ordinary run. Repeating the command trains what is missing, and resumes
    what was stopped. The folder gets a page with a table and a plot, and all numbers as JSON.

    \b
      ganzoo study dropout.json --jobs 2
      ganzoo study studies/dropout
    """  # noqa: D301 - click wants the character that \b stands for
    if path.is_dir():
        output, path = output or path, path / PLAN
    planned = _with(read_study(path), assignments)
    _train(planned, output, jobs=jobs, dry_run=dry_run, quiet=quiet)


@click.command()
@click.argument("spec", shell_complete=complete_spec)
@click.option(
    "--vary",
    "varied",
    multiple=True,
    required=True,
    metavar="PATH=A,B,…",
    help="Values of a field; may be given more than once, and all combinations are trained. Integers may"
    " be a range (0..4); 'seed' is the seeds of each combination.",
)
@set_option
@folder_option
@jobs_option
@dry_run_option
@quiet_option
def sweep(
    spec: str,
    varied: tuple[str, ...],
    assignments: tuple[str, ...],
    output: Path | None,
    jobs: int,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train a spec with several values of fields, in all combinations.

    It is a study (see 'ganzoo study') that is written on the command line.

    \b
      ganzoo sweep digits --vary generator.activation=relu,elu --vary seed=0..4
      ganzoo sweep spec.json --vary training.batch_size=32,64 --set training.duration="500 steps"
    """  # noqa: D301 - click wants the character that \b stands for
    values: dict[str, list[Any]] = {}
    for path, several in map(_values_of, varied):
        values.setdefault(path, []).extend(several)
    seeds = values.pop("seed", [0])
    name = f"{slug(Path(spec).stem)}-sweep"
    base = str(Path(spec).resolve()) if Path(spec).is_file() else spec
    try:
        planned = Study(name=name, spec=base, vary=values, seeds=seeds)
    except ValueError:
        raise click.BadParameter(
            "expected different whole numbers", param_hint="--vary seed"
        ) from None
    _train(_with(planned, assignments), output, jobs=jobs, dry_run=dry_run, quiet=quiet)


def _with(planned: Study, assignments: tuple[str, ...]) -> Study:
    """Add changes of the command line to those that a study makes in all runs."""
    changes = dict(planned.set)
    for text in assignments:
        path, equals, _ = text.partition("=")
        if not equals:
            apply_overrides({}, [text])  # raises the error that says how to write it
        changes[path] = _json_or_text(text[len(path) + 1 :])
    return planned.model_copy(update={"set": changes})


def _values_of(text: str) -> tuple[str, list[Any]]:
    """Read ``path=a,b`` or ``path=0..4``; values may be JSON."""
    path, equals, values = text.partition("=")
    if not equals or not path or not values:
        raise SpecError([Problem("", f"--vary {text!r}: write PATH=A,B, such as seed=0..4")])
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", values)
    if numbers:
        return path, list(range(int(numbers[1]), int(numbers[2]) + 1))
    try:
        return path, list(json.loads(f"[{values}]"))
    except json.JSONDecodeError:
        return path, [_json_or_text(each) for each in values.split(",")]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _train(planned: Study, output: Path | None, *, jobs: int, dry_run: bool, quiet: bool) -> None:
    points = points_of(planned)
    folder = output or Path("studies") / planned.name
    if dry_run:
        write_table(
            [("run", "variant", "seed")] + [(p.name, p.variant, str(p.seed)) for p in points]
        )
        return
    if (
        folder.exists()
        and not (folder / PLAN).is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise RunError(f"{folder}: exists and is not the folder of a study; name another with -o")
    from ganzoo_studies.page import write_page
    from ganzoo_studies.results import results_of, to_json, verdicts
    from ganzoo_studies.running import Outcome, refuse_other_runs, train

    refuse_other_runs(points, folder / RUNS)
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    write_atomically(folder / PLAN, planned.model_dump_json(indent=2) + "\n")
    finished = _finished(folder) & {point.name for point in points}
    left = [point for point in points if point.name not in finished]
    ended: list[Outcome] = []

    def heard(outcome: Outcome) -> None:
        ended.append(outcome)
        if outcome.end == "finished":
            finished.add(outcome.name)
        if not quiet or outcome.reason:
            reason = f": {outcome.reason}" if outcome.reason else ""
            say(f"{len(ended)} of {len(left)}: {outcome.name} {outcome.end}{reason}")

    train(left, folder / RUNS, jobs=jobs, heard=heard)
    results = results_of(planned, points, folder / RUNS, finished)
    write_atomically(folder / NUMBERS, json.dumps(to_json(results), indent=2) + "\n")
    write_page(results, folder / PAGE)
    if not quiet:
        for line in verdicts(results):
            say(f"  {line}")
    write(folder / PAGE)
    if len(finished) < len(points):
        if any(outcome.end == "stopped" for outcome in ended):
            say(f"stopped; go on with: {program_command()} study {shlex.quote(str(folder))}")
        raise click.exceptions.Exit(FAILED)


def _finished(folder: Path) -> set[str]:
    """Return the names of the runs that finished earlier and are still there."""
    try:
        numbers = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
        names = {str(name) for name in numbers["finished"]}
    except (OSError, ValueError, KeyError, TypeError):  # a new study, or a page to make anew
        return set()
    return {name for name in names if RunDirectory.has_spec(folder / RUNS / name / "spec.json")}
