"""``ganzoo compare``: evaluated runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import check_outputs, force_option, json_option
from ganzoo.cli.output import number_words, say, write_json, write_table
from ganzoo.evaluation.comparison import Comparison
from ganzoo.evaluation.comparison import compare as compare_reports
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
    help="PNG, SVG or PDF to draw the numbers to, with their spread and their floor.",
)
@force_option
def compare(runs: tuple[Path, ...], as_json: bool, output: Path | None, force: bool) -> None:
    """Set evaluated runs side by side.

    Each of RUNS is a run directory, or the JSON file of a report. Numbers that were measured in
    different ways never stand side by side: a quantity has a line for each way, and a note says how
    they differ.

    \b
      ganzoo compare runs/digits-1 runs/digits-2
      ganzoo compare runs/digits-* -o comparison.png
    """
    if output is not None:
        check_outputs(output, force=force)
    found = compare_reports(runs)
    if as_json:
        write_json(_as_json(found))
    else:
        _write_table(found)
        for note in found.notes:
            say(f"note: {note}")
    if output is not None:
        from ganzoo.visual.comparison import save_comparison

        save_comparison(found, output)
        say(f"written to {output}")


def _write_table(found: Comparison) -> None:
    rows = [("", *(one.title for one in found.judged), "floor", "better")]
    for line in found.lines:
        values = [one.value(line) for one in found.judged]
        cells = ["-" if each is None else number_words(each) for each in values]
        rows.append((line.title, *cells, _floor(values), line.better or ""))
    write_table(rows)


def _floor(values: Sequence[Value | None]) -> str:
    """Return the floor of a line, or each where runs were trained on different splits."""
    floors = [each.floor for each in values if each is not None and each.floor is not None]
    words = [f"{each.value:.4g}" for each in floors if each.value is not None]
    return " / ".join(dict.fromkeys(words))


def _as_json(found: Comparison) -> object:
    return {
        "lines": [
            {
                "name": each.name,
                "protocol": each.protocol,
                "title": each.title,
                "better": each.better,
            }
            for each in found.lines
        ],
        "judged": [
            {
                "title": one.title,
                "values": {
                    line.title: value.model_dump(mode="json")
                    for line in found.lines
                    if (value := one.value(line)) is not None
                },
                "problems": one.problems,
            }
            for one in found.judged
        ],
        "notes": found.notes,
    }
