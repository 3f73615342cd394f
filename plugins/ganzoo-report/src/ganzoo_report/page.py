"""Renders pages and writes them: one file each, with all that it needs in it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ganzoo.errors import UsageError
from ganzoo.runs import RunDirectory
from ganzoo.utils.files import write_atomically
from ganzoo.utils.text import printable
from ganzoo_report.charts import Chart, number
from ganzoo_report.comparison import compare_runs
from ganzoo_report.facts import Progress, facts_of, progress_of
from ganzoo_report.neighbours import MOST_BYTES, data_bytes

__all__ = ["REPORT", "Progress", "comparison_page", "progress_of", "run_page", "write_report"]

REPORT = "report.html"
"""Name of a run's page in its directory."""

MARK = b'<meta name="generator" content="ganzoo-report'
"""Near the beginning of each page, so that no other file is taken for one."""


def write_report(
    run: RunDirectory, progress: Progress, *, neighbours: bool, cautious: bool = False
) -> Path:
    """Write a run's page to its directory, whole or not at all, and return where it is.

    Args:
        run: the run.
        progress: how far it is.
        neighbours: whether generated images are shown with the nearest training images.
        cautious: whether they are left out where the data are large.

    Raises:
        ganzoo.errors.UsageError: there is another file of that name.
        ganzoo.errors.GanzooError: a file of the run cannot be read.
    """
    path = run.path / REPORT
    if path.exists() and not is_ours(path):
        raise UsageError(
            f"{path}: was not written by ganzoo-report, so it is left as it is; rename it"
        )
    neighbours = neighbours and not (cautious and data_bytes(run) > MOST_BYTES)
    write_atomically(path, run_page(run, progress, neighbours=neighbours), durable=False)
    return path


def is_ours(path: Path) -> bool:
    """Return whether a file is a page that ganzoo-report wrote."""
    try:
        with path.open("rb") as file:
            return MARK in file.read(500)
    except OSError:
        return False


def run_page(run: RunDirectory, progress: Progress, *, neighbours: bool) -> str:
    """Return the page of a run."""
    facts = facts_of(run, progress, neighbours=neighbours)
    charts = [*facts.evaluation_charts, *facts.metric_charts]
    return _rendered("run.html", facts.name, facts, charts)


def comparison_page(runs: Sequence[RunDirectory]) -> str:
    """Return the page on which several runs are compared."""
    facts = compare_runs(runs)
    charts = [*facts.evaluation_charts, *facts.metric_charts]
    return _rendered("comparison.html", f"{len(runs)} runs compared", facts, charts)


def _rendered(template: str, title: str, facts: Any, charts: Sequence[Chart]) -> str:
    scripts = [_file("uplot/uPlot.iife.min.js"), _file("templates/page.js")]
    return (
        _templates()
        .get_template(template)
        .render(
            title=title,
            scripts=scripts,
            hashes=[_script_hash(each) for each in scripts],
            styles=[_file("uplot/uPlot.min.css"), _file("templates/page.css")],
            licence=_file("uplot/LICENSE"),
            facts=facts,
            chart_data=[each.data() for each in charts],
            created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            version=metadata.version("ganzoo"),
            own_version=metadata.version("ganzoo-report"),
        )
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ganzoo_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "ticks": _ticks,
        "printable": lambda text: printable(str(text)),
        "breakable": _breakable,
    }
    return environment


@cache
def _file(name: str) -> str:
    return resources.files("ganzoo_report").joinpath(name).read_text(encoding="utf-8")


def _script_hash(script: str) -> str:
    """Return what a page's policy knows one of its own scripts by: no other one is run."""
    return f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _ticks(text: str) -> list[tuple[bool, str]]:
    """Divide a text at backticks: whether each part is code, and the part."""
    return [(bool(index % 2), part) for index, part in enumerate(text.split("`")) if part]


def _breakable(path: str) -> Markup:
    """Return the path of a setting that may be broken into lines between its words."""
    shown = escape(printable(path))
    return Markup(shown.replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>")))
