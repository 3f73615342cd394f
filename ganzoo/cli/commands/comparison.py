"""``ganzoo compare``: evaluated runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import check_outputs, force_option, json_option
from ganzoo.cli.output import number_words, say, write_json, write_table
from ganzoo.evaluation.compare import Comparison
from ganzoo.evaluation.compare import compare as compare_reports
from ganzoo.runs.report import Value


@click.command()
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=complete_run
)
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG, SVG or PDF file to plot the numbers to, with their spread and their baselines.",
)
@force_option
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
        check_outputs(output, force=force)
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


def _write_table(comparison: Comparison) -> None:
    table = [("", *(column.title for column in comparison.columns), "baseline", "better")]
    for row in comparison.rows:
        values = [column.value(row) for column in comparison.columns]
        cells = ["-" if each is None else number_words(each) for each in values]
        table.append((row.title, *cells, _baselines(values), row.better or ""))
    write_table(table)


def _baselines(values: Sequence[Value | None]) -> str:
    """Return the baseline of a row, or all of them if runs were trained on different splits."""
    found = [None if each is None else each.baseline_value for each in values]
    return " / ".join(dict.fromkeys(f"{each:.4g}" for each in found if each is not None))


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
