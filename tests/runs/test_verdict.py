"""The verdict on a run, from reports that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from ganzoo.components.evaluation import Aspect
from ganzoo.runs.history import EvaluationPoint
from ganzoo.runs.report import Baseline, Report, Subject, Value
from ganzoo.runs.verdict import verdict

FD = "fd@pixels"
COLLAPSE = {"step": 700, "callback": "watchdog", "action": "warn", "finding": "collapse"}


def value(
    name: str,
    mean: float | None,
    *,
    better: Literal["lower", "higher"] | None = "lower",
    real: float | None = 1.0,
    aspect: Aspect | None = None,
) -> Value:
    source = "held-out samples"
    baseline = None if real is None else Baseline(value=real, samples=9, reference=9, source=source)
    return Value(
        name=name,
        metric=name,
        description="",
        better=better,
        aspect=aspect,
        mean=mean,
        std=None,
        per_seed=[mean],
        baseline=baseline,
        reason=None if mean is not None else "undefined",
        warnings=[],
        details={},
        protocol="",
        fingerprint="",
    )


def points(*reports: Sequence[Value]) -> list[EvaluationPoint]:
    """Return evaluations, one every 100 steps."""
    made = []
    for number, values in enumerate(reports, 1):
        report = Report(
            subject=Subject(name="run"),
            reference="",
            seeds=[],
            values=list(values),
            protocols={},
            problems=[],
            versions={},
            device="",
            seconds=0.0,
            created="",
        )
        made.append(EvaluationPoint(100 * number, report))
    return made


def of(*means: float, actions: Sequence[dict[str, Any]] = (), **settings: Any) -> str:
    return verdict(
        points(*([value(FD, mean, **settings)] for mean in means)), FD, actions, path="runs/a-1"
    )


def test_without_an_evaluation_it_says_so_and_what_to_add() -> None:
    text = verdict([], None, [], path="runs/a-1")
    assert text == (
        "How good the samples are was not measured. The watchdog found nothing. Next: add"
        " 'evaluation' to the spec (fd and prdc, for instance), or run `ganzoo evaluate runs/a-1`."
    )


@pytest.mark.parametrize(
    ("means", "trend", "advice"),
    [
        ((9.0, 6.0), "Evaluated 2 times, which is too few to say", "or evaluate more often"),
        ((9.0, 8.0, 7.0, 6.0, 5.0, 4.0), "still improving: in the last third", "train longer"),
        ((9.0, 5.0, 4.0, 4.1, 3.98, 4.0), "has converged: in the last", "larger networks"),
        ((9.0, 3.0, 1.2, 1.1, 1.1, 1.1), "has converged: in the last", "more samples and seeds"),
        ((9.0, 4.0, 2.0, 3.0, 5.0, 8.0), "become worse: fd@pixels is 8 at", "--checkpoint best"),
    ],
)
def test_the_trend_decides_what_to_try(means: Sequence[float], trend: str, advice: str) -> None:
    text = of(*means)
    assert trend in text
    assert advice in text.partition("Next: ")[2]


def test_the_best_step_is_compared_with_real_samples() -> None:
    assert "The best step is 300 with fd@pixels 2, 4 times what real samples score (0.5)" in of(
        9.0, 4.0, 2.0, 2.1, real=0.5
    )
    assert "with fd@pixels 440, 142 times what real samples score (3.1)" in of(440.0, real=3.1)
    assert "no real-data baseline was measured" in of(9.0, 4.0, 2.0, 2.1, real=None)
    assert "where real samples score -0.01" in of(9.0, 4.0, 2.0, 2.1, real=-0.01)


def test_higher_may_be_better() -> None:
    text = of(0.1, 0.3, 0.5, 0.9, better="higher")
    assert "still improving: in the last third of its evaluations the best fd@pixels went" in text
    assert "The best step is 400" in text


def test_variety_copies_and_classes_are_told_where_they_were_measured() -> None:
    values = [
        value(FD, 2.0),
        value("coverage@pixels", 0.5, better="higher", real=0.9, aspect="variety"),
        value("recall@pixels", None, better="higher", aspect="variety"),
        value("copies@pixels", 0.25, real=None, aspect="copies"),
        value("class_agreement@lenet", 0.98, better="higher", real=None, aspect="classes"),
    ]
    text = verdict(points(values), FD, [], path="runs/a-1")
    assert "Of the variety of the data: coverage@pixels 0.5 (real samples 0.9). " in text
    assert "Of copies of training samples: copies@pixels 0.25. " in text
    assert "Of the classes: class_agreement@lenet 0.98. " in text
    assert "recall" not in text


def test_a_metric_says_itself_what_it_tells() -> None:
    values = [value("vendi@pixels", 31.0, real=None, aspect="variety"), value("recall", 0.1)]
    text = verdict(points(values), None, [], path="runs/a-1")
    assert "Of the variety of the data: vendi@pixels 31. The watchdog" in text


def test_findings_come_first_in_what_to_try() -> None:
    again = COLLAPSE | {"step": 900}
    scaled = {"step": 5, "callback": "reduce_on_plateau", "action": "scale"}
    text = of(9.0, 8.0, 7.0, 6.0, actions=[scaled, COLLAPSE, again])
    assert "The watchdog found collapse (step 700). Next: look first at" in text
    alone = verdict([], None, [], path="runs/a-1", watched=False)
    assert "No watchdog was on" in alone


def test_numbers_that_could_not_be_measured_give_no_trend() -> None:
    text = verdict(points([value(FD, None)]), None, [], path="runs/a-1")
    assert text.startswith("No evaluation gave a number by which the best could be chosen. ")


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("dead_generator", "found a dead generator (step 700)"),
        ("discriminator_won", "found a discriminator that has won (step 700)"),
        ("exploding_gradients", "found exploding gradients (step 700)"),
    ],
)
def test_findings_are_named_in_a_sentence(finding: str, words: str) -> None:
    assert words in verdict([], None, [COLLAPSE | {"finding": finding}], path="runs/a-1")
