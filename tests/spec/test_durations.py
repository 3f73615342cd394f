"""Lengths of time in training."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ganzoo.spec.durations import Duration, Unit

ADAPTER = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("101 epochs", 101, "epochs"),
        ("1 epoch", 1, "epochs"),
        ("0.5 epochs", 0.5, "epochs"),
        ("3000 steps", 3000, "steps"),
        ("1 step", 1, "steps"),
        ("3k steps", 3000, "steps"),
        ("1.001k steps", 1001, "steps"),
        ("200k images", 200_000, "images"),
        ("1 image", 1, "images"),
        ("2.5M images", 2_500_000, "images"),
        ("2.5 M images", 2_500_000, "images"),
        ("  7steps ", 7, "steps"),
    ],
)
def test_texts_that_people_write_are_read(text: str, amount: float, unit: str) -> None:
    parsed = Duration.parse(text)
    assert (parsed.amount, parsed.unit) == (amount, unit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a duration such as"),
        ("20", "expected a duration such as"),
        ("epochs", "expected a duration such as"),
        ("20 hours", "expected a duration such as"),
        ("-5 steps", "expected a duration such as"),
        ("1e3 steps", "expected a duration such as"),
        ("5 Epochs", "expected a duration such as"),
        ("5 K steps", "expected a duration such as"),
        ("5 steps more", "expected a duration such as"),
        ("nan epochs", "expected a duration such as"),
        ("0 epochs", "must be positive"),
        ("0.0 images", "must be positive"),
        ("1.5 steps", "the number of steps must be a whole number"),
        ("0.0015k images", "the number of images must be a whole number"),
        (f"{10**400} epochs", "finite"),
    ],
)
def test_other_texts_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("amount", "unit"), [(0, "epochs"), (-1, "steps"), (2.5, "images"), (math.nan, "epochs")]
)
def test_amounts_that_are_none_cannot_be_made_from_python_either(amount: float, unit: Unit) -> None:
    with pytest.raises(ValueError, match=r"must be positive|must be a whole number"):
        Duration(amount, unit)


durations = st.one_of(
    st.builds(
        Duration,
        st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        st.just("epochs"),
    ),
    st.builds(
        Duration,
        st.integers(1, 2**53).map(float),
        st.sampled_from(["steps", "images"]),
    ),
)


@given(durations)
def test_every_duration_is_written_so_that_it_is_read_again(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration
    assert ADAPTER.validate_json(ADAPTER.dump_json(duration)) == duration


@given(
    st.decimals(min_value="0.001", max_value=999, places=3), st.sampled_from(["steps", "images"])
)
def test_a_thousand_times_three_decimals_is_whole(number: object, unit: Unit) -> None:
    assert Duration.parse(f"{number}k {unit}").amount == int(str(number).replace(".", ""))


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(1, "epochs"), "1 epoch"),
        (Duration(20.0, "epochs"), "20 epochs"),
        (Duration(0.5, "epochs"), "0.5 epochs"),
        (Duration(0.00001, "epochs"), "0.00001 epochs"),
        (Duration(1, "steps"), "1 step"),
        (Duration(10**15, "images"), "1000000000000000 images"),
    ],
)
def test_the_text_is_the_plain_number_and_the_unit(duration: Duration, text: str) -> None:
    assert str(duration) == text


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("3000 steps", 3000),
        ("640 images", 10),
        ("641 images", 11),
        ("1 image", 1),
        ("2 epochs", 25),
        ("0.5 epochs", 6),
        ("0.001 epochs", 1),
        ("101 epochs", 1262),
    ],
)
def test_lengths_become_whole_steps_and_at_least_one(text: str, steps: int) -> None:
    counted = Duration.parse(text).steps(images_per_step=64, steps_per_epoch=12.5)
    assert counted == steps
    assert isinstance(counted, int)


@pytest.mark.parametrize("value", [5, 5.0, True, None, ["5 steps"], {"steps": 5}])
def test_specs_take_only_texts(value: Any) -> None:
    with pytest.raises(ValidationError, match='expected a string such as "20 epochs"'):
        ADAPTER.validate_python(value)


def test_the_schema_shows_the_form_and_its_examples_are_valid() -> None:
    schema = ADAPTER.json_schema()
    assert schema["type"] == "string"
    for example in schema["examples"]:
        assert str(Duration.parse(example)).split()[1] == example.split()[1]
