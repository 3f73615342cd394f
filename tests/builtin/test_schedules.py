"""Numbers that change in the course of training."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Schedule

SCHEDULES = TypeAdapter(Schedule)


def schedule(data: object) -> Any:
    return SCHEDULES.validate_python(data)


CONSTANT = {"type": "constant", "value": 3.0}
LINEAR = {"type": "linear", "start": 4.0, "end": 2.0}
COSINE = {"type": "cosine", "start": 4.0, "end": 2.0}
STEP = {"type": "step", "numbers": [3.0, 2.0, 1.0], "at": [0.25, 0.5]}
WARM_UP = {"type": "warmup", "portion": 0.5, "then": LINEAR}
SEQUENCE = {"type": "sequence", "parts": [LINEAR, COSINE, 7.0], "at": [0.2, 0.6]}


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (CONSTANT, {0: 3, 0.5: 3, 1: 3}),
        (LINEAR, {0: 4, 0.25: 3.5, 0.5: 3, 1: 2}),
        ({"type": "linear", "start": 1}, {0: 1, 0.75: 0.25, 1: 0}),
        (COSINE, {0: 4, 0.25: 3 + math.sqrt(0.5), 0.5: 3, 0.75: 3 - math.sqrt(0.5), 1: 2}),
        (STEP, {0: 3, 0.2499: 3, 0.25: 2, 0.4999: 2, 0.5: 1, 1: 1}),
        ({"type": "step", "numbers": [5], "at": []}, {0: 5, 1: 5}),
        (WARM_UP, {0: 0, 0.25: 0.5 * 3.5, 0.5: 3, 0.75: 2.5, 1: 2}),
        ({"type": "warmup", "portion": 1, "then": 2.0}, {0: 0, 0.5: 1, 1: 2}),
        (SEQUENCE, {0: 4, 0.1: 3, 0.2: 4, 0.4: 3, 0.6: 7, 1: 7}),
        (
            {"type": "sequence", "parts": [WARM_UP, SEQUENCE], "at": [0.5]},
            {0: 0, 0.25: 3, 0.5: 4, 0.55: 3, 0.7: 3, 1: 7},
        ),
    ],
)
def test_values_in_the_course_of_training(data: object, values: dict[float, float]) -> None:
    function = schedule(data).build()
    for progress, value in values.items():
        assert function(progress) == pytest.approx(value, abs=1e-12), progress


def test_cosine_is_flat_at_both_ends() -> None:
    function = schedule(COSINE).build()
    assert function(0) - function(1e-4) < 1e-7
    assert function(1 - 1e-4) - function(1) < 1e-7


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({**STEP, "at": [0.5]}, ""),
        ({**STEP, "at": [0.5, 0.25]}, ""),
        ({**STEP, "at": [0.5, 0.5]}, ""),
        ({**STEP, "at": [0, 0.5]}, "at.0"),
        ({**STEP, "at": [0.5, 1]}, "at.1"),
        ({**STEP, "numbers": [], "at": []}, "numbers"),
        ({**SEQUENCE, "at": []}, ""),
        ({**SEQUENCE, "at": [0.6, 0.2]}, ""),
        ({**SEQUENCE, "parts": []}, "parts"),
        ({**SEQUENCE, "parts": [1, 2, {"type": "linear"}]}, "parts.2.start"),
        ({**WARM_UP, "portion": 0}, "portion"),
        ({**WARM_UP, "portion": 1.5}, "portion"),
        ({**WARM_UP, "then": "x"}, "then"),
        ({"type": "warmup"}, "then"),
        ({"type": "linear", "start": math.inf}, "start"),
    ],
)
def test_what_is_no_schedule_is_refused_where_it_is_wrong(data: object, path: str) -> None:
    with pytest.raises(ValidationError) as raised:
        schedule(data)
    assert [".".join(map(str, line["loc"])) for line in raised.value.errors()] == [path]


def test_portions_are_counted_in_the_message() -> None:
    with pytest.raises(ValidationError, match="'at' needs 2 rising portions for 3 parts"):
        schedule({**STEP, "at": [0.5]})


NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def joined(draw: st.DrawFn, key: str, parts: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Draw several parts, and the portions of training at which they begin."""
    chosen = draw(st.lists(parts, min_size=1, max_size=4))
    count = len(chosen) - 1
    portions = st.floats(0.01, 0.99)
    at = draw(st.lists(portions, min_size=count, max_size=count, unique=True))
    return {"type": {"numbers": "step", "parts": "sequence"}[key], key: chosen, "at": sorted(at)}


LEAVES = st.one_of(
    NUMBERS,
    st.fixed_dictionaries({"type": st.just("linear"), "start": NUMBERS, "end": NUMBERS}),
    st.fixed_dictionaries({"type": st.just("cosine"), "start": NUMBERS, "end": NUMBERS}),
    joined("numbers", NUMBERS),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        joined("parts", inner),
        st.fixed_dictionaries(
            {"type": st.just("warmup"), "portion": st.floats(0.01, 1), "then": inner}
        ),
    ),
    max_leaves=5,
)


@given(TREES, st.floats(0, 1))
def test_the_values_that_a_schedule_yields_bound_it(data: object, progress: float) -> None:
    """Fields check their range by these values alone."""
    tree = schedule(data)
    values = list(tree.values())
    value = tree.build()(progress)
    slack = 1e-9 * (max(values) - min(values))
    assert min(values) - slack <= value <= max(values) + slack


@given(TREES)
def test_schedules_are_written_and_read_again(data: object) -> None:
    tree = schedule(data)
    assert SCHEDULES.validate_json(SCHEDULES.dump_json(tree)) == tree
