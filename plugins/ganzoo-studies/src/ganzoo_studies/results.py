"""What came of a study: each quantity in each variant, over the seeds, and what that says."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, Literal

from ganzoo.components.evaluation import matches_quantity
from ganzoo.runs import RunDirectory
from ganzoo.runs.history import History
from ganzoo_studies.plan import Point, Study

FEWEST_SEEDS = 3
"""With fewer of a variant, nothing is said of chance."""

CLEAR = 0.05
"""Differences with a smaller probability are called clear."""

SECONDS = "seconds of training"

Better = Literal["lower", "higher"] | None


@dataclass
class Cell:
    """One quantity in one variant: its value for each seed that has one."""

    by_seed: dict[int, float] = field(default_factory=dict)

    @property
    def values(self) -> list[float]:
        """The values, in the order of the seeds."""
        return list(self.by_seed.values())

    @property
    def median(self) -> float:
        """The median over the seeds."""
        return median(self.values)

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return fmean(self.values)

    @property
    def std(self) -> float | None:
        """The sample standard deviation over the seeds; None with fewer than two."""
        return stdev(self.values) if len(self.values) > 1 else None

    def worst(self, better: Better) -> float:
        """Return the value at the end that is not better."""
        return min(self.values) if better == "higher" else max(self.values)


@dataclass
class Quantity:
    """One quantity in all variants, with that of real samples where it was measured.

    ``curves`` has its mean over the seeds by step, of evaluations that all seeds have. ``incomplete``
    names the variants with finished runs that have no value, such as those that never reached a target:
    means leave these runs out, so they are not tested.
    """

    name: str
    better: Better
    cells: dict[str, Cell]
    baseline: float | None = None
    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)

    def probability(self, variant: str) -> float | None:
        """Return how probable such a difference to the first variant would be by chance.

        By Welch's t-test (Welch 1947), two-sided; None with fewer than three seeds of either, without
        any spread, or where finished runs of either have no value.
        """
        from scipy import stats

        if self.incomplete & {self.variants[0], variant}:
            return None
        first, other = (self.cells[each].values for each in (self.variants[0], variant))
        if min(len(first), len(other)) < FEWEST_SEEDS or len(set(first)) + len(set(other)) < 3:
            return None
        with warnings.catch_warnings():  # scipy warns where the values of a variant are all equal
            warnings.simplefilter("ignore", RuntimeWarning)
            return float(stats.ttest_ind(first, other, equal_var=False).pvalue)

    @property
    def variants(self) -> list[str]:
        """Titles of the variants that have values."""
        return list(self.cells)


@dataclass(frozen=True)
class Results:
    """All numbers of a study.

    Attributes:
        study: what was asked.
        quantities: the numbers.
        finished: names of the runs that they are from.
        missing: how many runs of a variant did not finish, and are left out.
    """

    study: Study
    quantities: list[Quantity]
    finished: list[str]
    missing: dict[str, int]


def results_of(
    study: Study, points: Sequence[Point], folder: Path, finished: Collection[str]
) -> Results:
    """Read what the finished runs of a study came to: their last evaluations, and their speed."""
    found: dict[str, Quantity] = {}
    curves: dict[tuple[str, str], list[dict[int, float]]] = {}
    missing: dict[str, int] = {}
    done: dict[str, int] = {}
    for point in points:
        if point.name not in finished:
            missing[point.variant] = missing.get(point.variant, 0) + 1
            continue
        run = RunDirectory.open(folder / point.name)
        history = History(run)
        done[point.variant] = done.get(point.variant, 0) + 1
        for name, value, better, baseline in _numbers(study, run, history):
            quantity = found.setdefault(name, Quantity(name, better, {}, baseline))
            quantity.cells.setdefault(point.variant, Cell()).by_seed[point.seed] = value
        for name, curve in _curves(history).items():
            curves.setdefault((name, point.variant), []).append(curve)
    for (name, variant), of_seeds in curves.items():
        if name in found:
            shared = set.intersection(*map(set, of_seeds))
            found[name].curves[variant] = {
                step: fmean(each[step] for each in of_seeds) for step in sorted(shared)
            }
    order = list(study.all_variants())
    for quantity in found.values():
        quantity.cells = {each: quantity.cells[each] for each in order if each in quantity.cells}
        quantity.incomplete = {
            each for each, cell in quantity.cells.items() if len(cell.values) < done[each]
        }
    return Results(study, list(found.values()), sorted(finished), missing)


def _numbers(
    study: Study, run: RunDirectory, history: History
) -> Iterator[tuple[str, float, Better, float | None]]:
    """Yield the numbers of one run, each with its name, which end is better, and its baseline."""
    newest = history.newest
    for value in [] if newest is None else newest.report.values:
        if value.mean is not None and math.isfinite(value.mean) and _is_wanted(study, value.name):
            yield value.name, value.mean, value.better, value.baseline_value
    rows = [row for row in run.metrics() if "seconds" in row]
    for name, target in study.targets.items():
        step = _step_reaching(history, name, target)
        if step is not None:
            seconds = sum(row["seconds"] for row in rows if row["step"] <= step)
            yield f"steps to {name} {target:g}", step, "lower", None
            yield f"seconds to {name} {target:g}", seconds, "lower", None
    if rows and _is_wanted(study, SECONDS):
        yield SECONDS, sum(row["seconds"] for row in rows), "lower", None


def _is_wanted(study: Study, name: str) -> bool:
    return not study.quantities or any(matches_quantity(each, name) for each in study.quantities)


def _step_reaching(history: History, name: str, target: float) -> int | None:
    for point in history.points:
        for value in point.report.values:
            if matches_quantity(name, value.name) and value.mean is not None:
                reached = value.mean >= target if value.better == "higher" else value.mean <= target
                if reached:
                    return point.step
    return None


def _curves(history: History) -> dict[str, dict[int, float]]:
    curves: dict[str, dict[int, float]] = {}
    for point in history.points:
        for value in point.report.values:
            if value.mean is not None:
                curves.setdefault(value.name, {})[point.step] = value.mean
    return curves


def verdicts(results: Results) -> list[str]:
    """Return what the numbers say, a sentence for each variant but the first; worded from them only."""
    lines = []
    for quantity in results.quantities:
        if quantity.better is None or quantity.name == SECONDS:
            continue
        first = quantity.variants[0]
        lines += [_verdict(quantity, first, each) for each in quantity.variants[1:]]
    return lines


def _verdict(quantity: Quantity, first: str, variant: str) -> str:
    mine, other = quantity.cells[variant].mean, quantity.cells[first].mean
    probability = quantity.probability(variant)
    is_better = mine < other if quantity.better == "lower" else mine > other
    comparison = f"{variant}: {quantity.name} {mine:.4g} against {other:.4g} of {first}"
    if quantity.incomplete & {first, variant}:
        return f"{comparison}; some runs have no value and are left out, so there is no test"
    if (
        probability is None
        and min(len(quantity.cells[each].values) for each in (first, variant)) > 1
    ):
        return f"{comparison}, with every seed"
    if probability is None:
        return f"{comparison}; more seeds would tell whether that is chance"
    chance = "p < 0.001" if probability < 0.001 else f"p = {probability:.2g}"
    if probability >= CLEAR:
        return f"{comparison}: no clear difference ({chance})"
    return f"{comparison}: clearly {'better' if is_better else 'worse'} ({chance})"


def to_json(results: Results) -> Mapping[str, Any]:
    """Return all numbers as JSON data."""
    return {
        "format": "ganzoo-study-1",
        "study": results.study.model_dump(mode="json"),
        "quantities": [
            {
                "name": each.name,
                "better": each.better,
                "baseline": each.baseline,
                "variants": {
                    title: {
                        "by_seed": cell.by_seed,
                        "median": cell.median,
                        "worst": cell.worst(each.better),
                        "mean": cell.mean,
                        "std": cell.std,
                        "p": each.probability(title),
                    }
                    for title, cell in each.cells.items()
                },
            }
            for each in results.quantities
        ],
        "finished": results.finished,
        "missing": results.missing,
        "verdicts": verdicts(results),
    }
