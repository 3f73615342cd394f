"""Axes and titles of plots of evaluated quantities."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from ganzoo.evaluation.compare import Column, Comparison, Row
from ganzoo.runs.report import Value
from ganzoo.visual.comparison import comparison_figure
from ganzoo.visual.curves import title_of, use_log_axis


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1.0, 450.0], "log"), ([0.5, 0.6], "linear"), ([0.0, 450.0], "linear"), ([], "linear")],
)
def test_an_axis_is_logarithmic_where_values_span_decades(values: list[float], scale: str) -> None:
    panel = Figure().subplots()
    panel.plot([1.0, *values], range(1 + len(values)))
    use_log_axis(panel, "x", values)
    assert panel.get_xscale() == scale
    if scale == "log":
        assert len([tick for tick in panel.get_xticks() if 1 <= tick <= 450]) >= 3


def test_titles_are_wrapped_and_say_which_end_is_better() -> None:
    assert title_of("fd@lenet-mnist", "lower") == "fd@lenet-mnist ↓"
    assert title_of("recall", "higher") == "recall ↑"
    assert title_of("modes", None) == "modes"
    assert max(map(len, title_of("density@" + "long " * 12, "higher").splitlines())) <= 32


def _value(mean: float | None) -> Value:
    return Value(
        name="fd",
        metric="fd",
        description="",
        better="lower",
        mean=mean,
        std=None,
        per_seed=[mean],
        baseline=None,
        reason=None if mean is not None else "too few",
        warnings=[],
        details={},
        protocol="p",
        fingerprint="f",
    )


def test_what_has_no_number_has_no_place_in_a_comparison() -> None:
    row = Row("fd", "p", "fd", "lower")
    columns = [Column("one"), Column("none"), Column("other")]
    for column, mean in zip(columns, (3.0, None, 700.0), strict=True):
        column.measured["fd", "p"] = (_value(mean), None)  # type: ignore[assignment] # not used
    figure = comparison_figure(Comparison([row], columns, []))
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["one", "other"]
    assert panel.get_title() == "fd ↓"
    assert panel.get_xscale() == "log"
