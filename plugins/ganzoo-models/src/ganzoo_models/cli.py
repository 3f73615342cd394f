"""The command ``ganzoo models``."""

from __future__ import annotations

import json
from typing import Any

import click

from ganzoo.cli.options import json_option
from ganzoo.cli.output import number_words, write, write_json, write_table
from ganzoo.runs import RunDirectory
from ganzoo.runs.report import Value, read_report
from ganzoo_models.plugin import MODELS, PREFIX, model_names

SHOWN = 3
"""Scores in the table; JSON has all."""


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List trained generators that came along, with their scores.

    \b
      ganzoo models
      ganzoo sample model:digits
    """  # noqa: D301 - click wants the character that \b stands for
    found = [_facts(name) for name in model_names()]
    if as_json:
        write_json(
            [
                {**facts, "scores": {each.name: each.mean for each in facts["scores"]}}
                for facts in found
            ]
        )
        return
    write_table(
        [
            (
                f"{PREFIX}:{facts['name']}",
                f"{facts['steps']:,} steps, seed {facts['seed']}",
                ", ".join(f"{each.name} {number_words(each)}" for each in facts["scores"][:SHOWN]),
            )
            for facts in found
        ]
    )
    write("")
    write("'README.md' in each folder has all of its scores, its command and its data:")
    write(MODELS)


def _facts(name: str) -> dict[str, Any]:
    """Return what is known of a model, without loading its weights."""
    folder = RunDirectory(MODELS / name)
    spec = json.loads(folder.spec_path.read_bytes())
    paths = [*folder.training_reports().values(), *folder.reports()]
    reports = [read_report(path) for path in paths]
    scores: dict[str, Value] = {each.name: each for report in reports for each in report.values}
    return {
        "name": name,
        "description": spec["description"],
        "path": str(folder.path),
        "steps": reports[-1].subject.step,
        "seed": spec["seed"],
        "dataset": spec["dataset"]["type"],
        "scores": list(scores.values()),
    }
