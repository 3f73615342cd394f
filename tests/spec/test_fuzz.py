"""Specs that were changed at random: each is valid, or refused by a SpecError, in Python and as JSON."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from ganzoo.builtin.latents import Normal
from ganzoo.errors import SpecError, UsageError
from ganzoo.plugins import installed
from ganzoo.spec import parse_spec, read_spec_data
from ganzoo.spec.overrides import apply_overrides

MUTATIONS = 40  # of each recipe


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 3, 0.5, -0.5, "", "x", "~", "x" * 5000, [], {}, [1], ["a"]),
    *(1e300, -1e39, 1e-300, float("nan"), float("inf"), 10**12, 2**63, -(2**63) - 1, 10**5000),
    *("\ud800", "a\0b", "\x1b[31m", "../..", {"\ud800": 1}, {"a\0": 1}, {"type": "\ud800"}),
    *({"type": 5}, {"type": "mlp"}, {"type": "constant", "value": 1e39}, nested(70), nested(300)),
    *("normal", "relu", "mlp", "adam", {"type": "linear", "start": 1}),
]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if not isinstance(node, dict | list):
        return
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key)
        yield from places(value, (*path, key))


def mutated(spec: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    changed = copy.deepcopy(spec)
    *way, last = rng.choice(list(places(changed)))
    node: Any = changed
    for key in way:
        node = node[key]
    kind = rng.random()
    if kind < 0.8 or isinstance(node, list):
        node[last] = copy.deepcopy(rng.choice(VALUES))
    elif kind < 0.9:
        node[rng.choice(["extra", "", "\ud800", "a\0", "__class__"])] = 1
    else:
        del node[last]
    return changed


@pytest.fixture
def written() -> Iterator[Any]:
    """Writes any plain data as JSON, numbers of any length too."""
    limit = sys.get_int_max_str_digits()

    def write(data: Any) -> str:
        sys.set_int_max_str_digits(0)
        text = json.dumps(data)
        sys.set_int_max_str_digits(limit)
        return text

    yield write
    sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize("name", sorted(installed().recipes))
def test_a_changed_recipe_is_valid_or_refused(name: str, written: Any) -> None:
    rng = random.Random(name)
    (recipe,) = installed().recipes[name]
    spec = parse_spec(recipe.read()).to_json()
    spec["callbacks"] = [{"type": "stop_at", "quantity": "loss/generator", "above": 3}]
    refused = 0
    for _ in range(MUTATIONS):
        data = mutated(spec, rng)
        try:
            from_python = parse_spec(apply_overrides(data, ["seed=1"]))
            from_python.check()
            assert parse_spec(read_spec_data(written(from_python.to_json()), "x")) == from_python
        except UsageError as error:
            str(error).encode()
            refused += 1
        try:
            parse_spec(read_spec_data(written(data), "x"))
        except SpecError as error:
            str(error).encode()
    assert refused > MUTATIONS // 4


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("latent", {"type": "normal", "std": 1e39}, "latent.std: must be a number between"),
        ("seed", 10**5000, "seed: must be an integer between"),
        ("description", "a\0b", r"description: holds \x00, which is not"),
        ("description", "\ud800", r"description: holds \ud800, which is not"),
        ("requires", {"\ud800": ""}, r"requires: holds \ud800"),
        ("requires", {5: ""}, "requires: has a key that is not a string but int"),
        ("callbacks", nested(100), "callbacks: is nested too deeply, beyond 64 levels"),
        ("callbacks", nested(800), "callbacks: is nested too deeply, beyond 64 levels"),
        ("algorithm", 10**5000, "algorithm: must be an integer between"),
    ],
    ids=range(9),
)
def test_what_no_field_can_hold_is_refused_at_its_place(place: str, value: Any, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(apply_overrides({"dataset": "digits", "generator": "mlp", place: value}, []))
    assert said in str(refused.value).splitlines()[0]


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("seed=" + "9" * 5000, "seed: a number has more digits than the limit"),
        ("callbacks=" + "[" * 100_000, "callbacks: not a spec: nested too deeply"),
        (".".join("a" * 2000) + "=1", "a: is nested too deeply"),
        ("callbacks.0.x=" + '{"a": 1, "a": 2}', "duplicate key 'a'"),
        ("callbacks." + "9" * 5000 + "=1", "this list has no place"),
    ],
    ids=range(5),
)
def test_what_an_assignment_cannot_hold_is_refused_briefly(assignment: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        apply_overrides({"callbacks": [{}]}, [assignment])
    assert said in str(refused.value)
    assert len(str(refused.value)) < 6000 if "place" in said else len(str(refused.value)) < 200


def test_a_component_in_python_has_the_same_limits() -> None:
    with pytest.raises(ValidationError, match="must be a number between"):
        Normal(std=1e39)
