"""Several runs on one page; numbers share a chart or a row only if they were measured in one way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.runs import RunDirectory
from ganzoo.runs.history import History
from ganzoo.runs.report import Value
from ganzoo.runs.verdict import verdict_of
from ganzoo_report.charts import NOT_DRAWN, Chart, Point, chart, points_of
from ganzoo_report.facts import Progress, Verdict, progress_of, split_verdict
from ganzoo_report.pictures import Picture, pictures_of
from ganzoo_report.settings import as_text

Key = tuple[str, str]
"""Name of a quantity, and hash of the protocol by which it was measured."""


@dataclass(frozen=True)
class Compared:
    """One of the runs: what it is called here, how it went, and its newest samples."""

    name: str
    description: str
    progress: Progress
    verdict: Verdict
    picture: Picture | None


@dataclass(frozen=True)
class Row:
    """A row of a table, with a cell for each run; ``best`` has the columns of the best numbers."""

    title: str
    cells: list[str | float | None]
    best: frozenset[int] = frozenset()
    better: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything that the page shows."""

    runs: list[Compared]
    scores: list[Row]
    settings: list[Row]
    evaluation_charts: list[Chart]
    metric_charts: list[Chart]
    several_ways: bool


def compare_runs(runs: Sequence[RunDirectory]) -> Comparison:
    """Gather what a page shows of several runs.

    Raises:
        ganzoo.errors.GanzooError: a spec cannot be read, or a file is damaged.
    """
    names = _names(runs)
    histories = [History(run) for run in runs]
    ways = _ways(histories)
    titles = _titles(list(ways))
    grids = [run.sample_grids()[-1:] for run in runs]
    wanted = [
        (grid, f"Samples of {name} after {int(grid.stem[5:]):,} steps", index)
        for index, (name, found) in enumerate(zip(names, grids, strict=True))
        for grid in found
    ]
    pictures = {each.step: each for each in pictures_of(wanted)}
    compared = [
        Compared(
            name,
            run.spec.description,
            progress_of(run),
            split_verdict(verdict_of(run)),
            pictures.get(index),
        )
        for index, (name, run) in enumerate(zip(names, runs, strict=True))
    ]
    arrows = {"lower": " ↓", "higher": " ↑", None: ""}
    measured = (
        chart(
            titles[key] + arrows[better],
            {name: _means(history, key) for name, history in zip(names, histories, strict=True)},
        )
        for key, better in ways.items()
    )
    return Comparison(
        compared,
        [_score(titles[key], key, better, histories) for key, better in ways.items()],
        list(_differing(runs)),
        [each for each in measured if each is not None],
        list(_metric_charts(names, runs)),
        len({name for name, _ in ways}) < len(ways),
    )


def _names(runs: Sequence[RunDirectory]) -> list[str]:
    """Return the names of the runs, or their paths where two have the same name."""
    names = [run.path.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def _ways(histories: Sequence[History]) -> dict[Key, Any]:
    """Return what was measured, and in which way, with the end that is better."""
    return {
        (value.name, value.protocol): value.better
        for history in histories
        for point in history.points
        for value in point.report.values
    }


def _titles(keys: Sequence[Key]) -> dict[Key, str]:
    """Return the titles of quantities, with a number where one was measured in several ways."""
    ways: dict[str, list[Key]] = {}
    for key in keys:
        ways.setdefault(key[0], []).append(key)
    return {
        key: name if len(same) == 1 else f"{name} (way {index})"
        for name, same in ways.items()
        for index, key in enumerate(same, 1)
    }


def _values(history: History, key: Key) -> list[tuple[int, Value]]:
    return [
        (point.step, value)
        for point in history.points
        for value in point.report.values
        if (value.name, value.protocol) == key and value.mean is not None
    ]


def _means(history: History, key: Key) -> list[Point]:
    return [(step, value.mean) for step, value in _values(history, key) if value.mean is not None]


def _score(title: str, key: Key, better: str | None, histories: Sequence[History]) -> Row:
    """Return a quantity at the best checkpoint of each run, or at the last where none is best."""
    cells: list[float | None] = []
    for history in histories:
        chosen = history.best or history.newest
        found = dict(_values(history, key))
        value = None if chosen is None else found.get(chosen.step)
        cells.append(None if value is None else value.mean)
    present = [each for each in cells if each is not None]
    if better is None or len(present) < 2:
        return Row(title, list(cells), better=better)
    first = (min if better == "lower" else max)(present)
    best = frozenset(index for index, each in enumerate(cells) if each == first)
    return Row(title, list(cells), best, better)


def _metric_charts(names: Sequence[str], runs: Sequence[RunDirectory]) -> Iterator[Chart]:
    """Yield a chart of each number that was logged, with a line for each run."""
    metrics = [run.metrics() for run in runs]
    logged = dict.fromkeys(key for lines in metrics for line in lines for key in line)
    for key in logged:
        if key in NOT_DRAWN:
            continue
        series = {name: points_of(lines, key) for name, lines in zip(names, metrics, strict=True)}
        found = chart(key.replace("_", " "), series)
        if found is not None:
            yield found


def _differing(runs: Sequence[RunDirectory]) -> Iterator[Row]:
    """Yield the settings that are not the same in all runs."""
    flat = [dict(_flat(run.spec.to_json(), "")) for run in runs]
    missing = object()
    for path in dict.fromkeys(key for each in flat for key in each):
        if path == "description":
            continue
        values = [each.get(path, missing) for each in flat]
        texts = [None if each is missing else as_text(each) for each in values]
        if len({json.dumps(each) for each in texts}) > 1:
            yield Row(path, list(texts))


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of a JSON object by their path; a type stands for its component."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, each in value.items():
        where = path if key == "type" and path else f"{path}.{key}" if path else key
        yield from _flat(each, where)
