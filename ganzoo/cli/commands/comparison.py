"""``ganzoo compare``: evaluated runs side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import check_outputs, json_option, output_options
from ganzoo.cli.output import number_words, say, write_json, write_table
from ganzoo.evaluation.compare import Comparison
from ganzoo.evaluation.compare import compare as compare_reports


@click.command()
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=complete_run
)
@json_option
@output_options(
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
