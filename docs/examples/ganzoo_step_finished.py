"""A plugin that writes the losses for a spreadsheet.

Steps that a resumed run takes again are in it twice.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_step_finished(run: RunDirectory, step: int, metrics: Mapping[str, float]) -> None:
    """Add a row to the run's ``losses.csv``."""
    losses = [metrics["loss/discriminator"], metrics["loss/generator"]]
    with (run.path / "losses.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([step, *losses])
