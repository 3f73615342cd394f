"""What the charts of a page draw: numbers by step, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ganzoo.runs.history import EvaluationPoint, History
from ganzoo.runs.report import Value

MOST_POINTS = 600
"""Points of a line; where more were logged, each is the mean of neighbours."""

LOG_FROM = 30.0
"""A largest value this many times the smallest is drawn on a logarithmic axis."""

Role = Literal["line", "best", "baseline"]
Point = tuple[float, float]

TITLES = {
    "loss": "Losses",
    "score": "Mean score of the discriminator",
    "regularizer": "Penalties, without their weights",
    "auxiliary": "Auxiliary losses, without their weights",
    "augmentation": "Augmentation",
    "images_per_second": "Real images per second",
}
"""Titles of the numbers that are drawn together, by what their names begin with."""

LABELS = {"real": "real samples", "fake": "generated samples", "images_per_second": "images/s"}

LARGEST = 1e300

NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""

NOT_DRAWN = frozenset(("step", "epoch", "seconds"))


@dataclass(frozen=True)
class Line:
    """One line of a chart; a value is None where there is none at that step."""

    label: str
    values: list[float | None]
    role: Role = "line"


@dataclass(frozen=True)
class Chart:
    """Lines over steps, and what they show in words."""

    title: str
    words: str
    steps: list[float]
    lines: list[Line] = field(default_factory=list)
    log: bool = False
    note: str = ""

    def data(self) -> dict[str, Any]:
        """Return what the page's script draws."""
        lines = [
            {"label": each.label, "values": each.values, "role": each.role} for each in self.lines
        ]
        return {"title": self.title, "steps": self.steps, "lines": lines, "log": self.log}


def number(value: float | None, missing: str = NOTHING) -> str:
    """Write a number with four digits."""
    if value is None:
        return missing
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def chart(title: str, series: Mapping[str, Sequence[Point]], *, note: str = "") -> Chart | None:
    """Return a chart of series of steps and finite values, or None if there are none."""
    thinned = {label: _thinned(points) for label, points in series.items() if points}
    return _assembled(title, {label: (points, "line") for label, points in thinned.items()}, note)


def metric_charts(metrics: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Return charts of the numbers in metrics.jsonl: those of a prefix together, the speed last."""
    names = list(dict.fromkeys(key for line in metrics for key in line))
    groups: dict[str, list[str]] = {name: [] for name in TITLES if name != "images_per_second"}
    for name in names:
        if name not in NOT_DRAWN:
            groups.setdefault(name.partition("/")[0], []).append(name)
    groups["images_per_second"] = groups.pop("images_per_second", [])
    charts = (
        chart(
            TITLES.get(prefix, prefix.replace("_", " ").capitalize()),
            {_label(name): points_of(metrics, name) for name in sorted(members)},
        )
        for prefix, members in groups.items()
    )
    return [each for each in charts if each is not None]


def points_of(metrics: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """Return the finite values of a number that was logged, by step."""
    return [
        (line["step"], float(line[name]))
        for line in metrics
        if name in line and abs(line[name]) < LARGEST  # neither NaN nor infinite
    ]


def values_of(points: Sequence[EvaluationPoint], name: str) -> list[tuple[int, Value]]:
    """Return the values of a quantity that could be measured, by step."""
    return [
        (point.step, value)
        for point in points
        for value in point.report.values
        if value.name == name and value.mean is not None
    ]


def evaluation_charts(history: History) -> Iterator[Chart]:
    """Yield a chart for each quantity: its values, the best checkpoint, and the baseline."""
    newest, best = history.newest, history.best
    for value in newest.report.values if newest is not None else ():
        measured = values_of(history.points, value.name)
        series: dict[str, tuple[list[Point], Role]] = {}
        means = [(float(step), each.mean) for step, each in measured if each.mean is not None]
        series["measured"] = means, "line"
        if best is not None:
            series["best"] = [each for each in means if each[0] == best.step], "best"
        if measured and (real := measured[-1][1].baseline_value) is not None:
            ends = [means[0][0], *([means[-1][0]] if len(means) > 1 else [])]
            series["real samples"] = [(step, real) for step in ends], "baseline"
        arrow = {"lower": " ↓", "higher": " ↑"}.get(value.better or "", "")
        found = _assembled(value.name + arrow, series, value.description)
        if found is not None:
            yield found


def _assembled(
    title: str, series: Mapping[str, tuple[Sequence[Point], Role]], note: str
) -> Chart | None:
    present = {label: each for label, each in series.items() if each[0]}
    if not present:
        return None
    steps = sorted({step for points, _ in present.values() for step, _ in points})
    lines = []
    for label, (points, role) in present.items():
        by_step = dict(points)
        values = [by_step.get(step) for step in steps]
        if role == "baseline":  # a level, wherever the pointer is
            values = [points[0][1]] * len(steps)
        lines.append(Line(label, values, role))
    everything = [value for line in lines for value in line.values if value is not None]
    low, high = min(everything), max(everything)
    words = "; ".join(_words(label, *each) for label, each in present.items())
    return Chart(title, f"{title}. {words}.", steps, lines, low > 0 and high > LOG_FROM * low, note)


def _words(label: str, points: Sequence[Point], role: Role) -> str:
    if role != "line":
        where = f" at step {points[0][0]:,.0f}" if role == "best" else ""
        return f"{label} {number(points[0][1])}{where}"
    values = [value for _, value in points]
    (first, begin), (last, end) = points[0], points[-1]
    if len(points) == 1:
        return f"{label} {number(begin)} at step {first:,.0f}"
    return (
        f"{label} from {number(begin)} at step {first:,.0f} to {number(end)} at step {last:,.0f},"
        f" between {number(min(values))} and {number(max(values))}"
    )


def _label(name: str) -> str:
    last = name.partition("/")[2] or name
    return LABELS.get(last, last.replace("_", " "))


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Return the points, or means of neighbours where there are too many; each at its last step."""
    size = math.ceil(len(points) / MOST_POINTS)
    if size == 1:
        return list(points)
    parts = (points[start : start + size] for start in range(0, len(points), size))
    return [(part[-1][0], math.fsum(value for _, value in part) / len(part)) for part in parts]
