"""A plugin that puts the numbers of all runs in one table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_evaluated(run: RunDirectory, step: int, values: Mapping[str, float]) -> None:
    """Add a row for each number to ``numbers.csv``, beside the run's directory."""
    with (run.path.parent / "numbers.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([run.path.name, step, *each] for each in values.items())
