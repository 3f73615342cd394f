"""What became of a run, in a paragraph worded from the numbers it recorded. Torch-free."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganzoo.components.evaluation import Aspect
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.history import EvaluationPoint, History
from ganzoo.runs.report import Report, Value

ENOUGH = 4
"""Evaluations from which on it can be said whether a run still improves."""

STILL = 0.05
"""Relative gain in the last third of the evaluations below which a run has converged."""

WORSE = 0.2
"""Relative loss from the best value to the last one, above which a run has become worse."""

FAR = 2.0
"""Times the real-data baseline, or below half of it, at which samples count as far from the data."""

FOUND = {"dead_generator": "a dead generator", "discriminator_won": "a discriminator that has won"}
"""Findings whose names are not what is found."""

ASPECTS: dict[Aspect, str] = {
    "variety": "Of the variety of the data",
    "copies": "Of copies of training samples",
    "classes": "Of the classes",
}
"""How a sentence on each aspect of the samples begins."""


def verdict_of(run: RunDirectory) -> str:
    """Return the verdict on a run from what is in its directory."""
    history = History(run)
    best = history.best
    name = None
    if best is not None and (value := history.deciding_value(best)) is not None:
        name = value.name
    return verdict(
        history.points,
        name,
        run.actions(),
        path=shlex.quote(str(run.path)),
        watched=run.spec.watchdog is not None,
    )


def verdict(
    points: Sequence[EvaluationPoint],
    deciding: str | None,
    actions: Sequence[Mapping[str, Any]],
    *,
    path: str,
    watched: bool = True,
) -> str:
    """Return the verdict on a run: where it stands, what is wrong with it, what to try next.

    Args:
        points: its evaluations, oldest first.
        deciding: name of the quantity by which the best is chosen, or None.
        actions: what its callbacks did.
        path: its directory, quoted for a shell.
        watched: whether there was a watchdog.
    """
    named = _findings(actions)
    sentences: list[str] = []
    advice: list[str] = []
    series = _series(points, deciding)
    if series:
        best = (min if series[0][1].better == "lower" else max)(series, key=_mean)
        sentences += [_trend(series, best), _standing(best)]
        advice += _advice(series, best, path)
    else:
        sentences.append(
            "How good the samples are was not measured"
            if not points
            else "No evaluation gave a number by which the best could be chosen"
        )
        advice.append(
            "add 'evaluation' to the spec (fd and prdc, for instance), or run"
            f" `ganzoo evaluate {path}`"
        )
    if points:
        sentences += _aspects(points[-1].report)
    if named:
        found = ", ".join(f"{name} (step {step:,})" for name, step in named.items())
        sentences.append(f"The watchdog found {found}")
        advice.insert(0, f"look first at what the watchdog says of {next(iter(named))}")
    else:
        sentences.append("The watchdog found nothing" if watched else "No watchdog was on")
    sentences.append("Next: " + "; ".join(advice[:2]))
    return ". ".join(sentences) + "."


def _findings(actions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return what was warned of, with the first step of each."""
    named: dict[str, int] = {}
    for action in actions:
        if action["action"] == "warn":
            finding = action["finding"]
            named.setdefault(FOUND.get(finding, finding.replace("_", " ")), action["step"])
    return named


def _series(points: Sequence[EvaluationPoint], deciding: str | None) -> list[tuple[int, Value]]:
    """Return the values of the deciding quantity by step, where there is one."""
    return [
        (point.step, value)
        for point in points
        for value in point.report.values
        if value.name == deciding and value.mean is not None
    ]


def _mean(pair: tuple[int, Value]) -> float:
    assert pair[1].mean is not None
    return pair[1].mean


def _trend(series: Sequence[tuple[int, Value]], best: tuple[int, Value]) -> str:
    """Say whether the run still improves."""
    name, last = best[1].name, series[-1]
    if len(series) < ENOUGH:
        times = "once" if len(series) == 1 else f"{len(series)} times"
        return f"Evaluated {times}, which is too few to say whether it still improves"
    if _loss(_mean(best), _mean(last)) > WORSE:
        return (
            f"It has become worse: {name} is {_mean(last):.4g} at the end, and was"
            f" {_mean(best):.4g} at step {best[0]:,}"
        )
    before, gain = _gain(series)
    if gain < STILL:
        return (
            f"It has converged: in the last third of its evaluations the best {name} improved by"
            f" {max(gain, 0):.1%}"
        )
    return (
        f"It is still improving: in the last third of its evaluations the best {name} went from"
        f" {before:.4g} to {_mean(best):.4g}"
    )


def _gain(series: Sequence[tuple[int, Value]]) -> tuple[float, float]:
    """Return the best value of the first two thirds, and by which fraction the rest is better."""
    choose = min if series[0][1].better == "lower" else max
    third = max(len(series) // 3, 1)
    before, after = (choose(map(_mean, part)) for part in (series[:-third], series[-third:]))
    signed = before - after if choose is min else after - before
    return before, signed / abs(before) if before else float(signed > 0)


def _loss(best: float, last: float) -> float:
    return abs(last - best) / abs(best) if best else float(last != best)


def _standing(best: tuple[int, Value]) -> str:
    """Say which step was best, and how far that is from real samples."""
    step, value = best
    text = f"The best step is {step:,} with {value.name} {_mean(best):.4g}"
    real = value.baseline_value
    if real is None:
        return f"{text}; no real-data baseline was measured"
    if real <= 0:
        return f"{text}, where real samples score {real:.4g}"
    times = _mean(best) / real
    much = f"{times:,.0f}" if times >= 10 else f"{times:.2g}"
    return f"{text}, {much} times what real samples score ({real:.4g})"


def _aspects(report: Report) -> Iterator[str]:
    """Yield what the last report says of each aspect, each number with its baseline."""
    for aspect, title in ASPECTS.items():
        found = [each for each in report.values if each.aspect == aspect and each.mean is not None]
        if found:
            yield f"{title}: " + ", ".join(map(_number, found))


def _number(value: Value) -> str:
    real = value.baseline_value
    known = "" if real is None else f" (real samples {real:.4g})"
    return f"{value.name} {value.mean:.4g}{known}"


def _advice(
    series: Sequence[tuple[int, Value]], best: tuple[int, Value], path: str
) -> Iterator[str]:
    """Yield what the trend suggests."""
    last, real = series[-1], best[1].baseline_value
    if len(series) < ENOUGH:
        yield "train longer or evaluate more often (evaluation.every)"
    elif _loss(_mean(best), _mean(last)) > WORSE:
        yield (
            f"use the best checkpoint (`ganzoo sample {path} --checkpoint best`), and lower the"
            " learning rates or end earlier (evaluation.patience)"
        )
    elif _gain(series)[1] >= STILL:
        yield f"train longer (`ganzoo branch {path} --set training.duration=…`)"
    elif real and real > 0 and not 1 / FAR < _mean(best) / real < FAR:
        yield "training longer is unlikely to help; try larger networks, another loss or a penalty"
    else:
        yield f"measure it with more samples and seeds (`ganzoo evaluate {path}`)"
