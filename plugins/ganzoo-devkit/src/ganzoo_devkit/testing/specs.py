"""Checks that hold for components of all families: how specs write them, and what they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import (
    FAMILIES,
    Algorithm,
    Augmentation,
    AuxiliaryLoss,
    Callback,
    CallbackSetting,
    Component,
    FeatureExtractor,
    Network,
    Normalization,
    Regularizer,
)
from ganzoo.errors import Problem
from ganzoo.spec.schema import run_spec_schema
from ganzoo_devkit.testing.checks import Options, check, fail, few, require
from ganzoo_devkit.testing.trials import KINDS, TINY, Shape, ask, registered

UNKNOWN = "no_such_parameter"

ODD: tuple[Shape, ...] = ((1, 1, 1), (3, 7, 5), (16, 64, 64), (2,), (1, 9), (2, 3, 4, 5))
"""Shapes of samples that a ``check`` must accept or refuse: images, points, sequences, arrays."""


@check(Component)
def check_name(component: Component) -> None:
    """``type`` is a literal of one name, which specs can write."""
    field = type(component).model_fields["type"]
    one = get_args(field.annotation) == (field.default,)
    require(one, "'type' must be a Literal of one name that is also the default")
    right = re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", str(field.default))
    require(right, f"the name is {field.default!r}; it must be small letters, digits, - and _")


@check(Component)
def check_descriptions(component: Component) -> None:
    """The class has a docstring, whose first line catalogues show, and each field a description."""
    own = type(component)
    first = (own.__dict__.get("__doc__") or "").strip().partition("\n")[0]
    require(first, f"{own.__name__} has no docstring")
    require(len(first) <= 100, "the first line of the docstring is over 100 letters long")
    schema = own.model_json_schema()
    fields = [each.get("properties", {}) for each in (schema, *schema.get("$defs", {}).values())]
    missing = few(
        name
        for field in fields
        for name, said in field.items()
        if name != "type" and not said.get("description", "").strip()
    )
    require(not missing, f"{missing} has no description")


@check(Component)
def check_json(component: Component) -> None:
    """Written as JSON and read again, it is equal; the JSON Schema accepts it, and no unknown key."""
    family = family_of(component)
    with registered(type(component), *(TINY if family is Algorithm else ())):
        data = TypeAdapter(family).dump_python(component, mode="json")
        text = json.dumps(data, allow_nan=False)
        again = TypeAdapter(family).validate_python(json.loads(text))
        schema = run_spec_schema()
    require(again == component, f"its JSON {text} is read as {again!r}")
    if isinstance(component, Algorithm):  # its fields are keys of the spec itself
        dataset = {"type": "arrays", "path": "samples.npz"}
        data = {"algorithm": data.pop("type"), "dataset": dataset, **data}
    else:
        schema = {"$ref": f"#/$defs/{component.family}", "$defs": schema["$defs"]}
    validator = Draft202012Validator(schema)
    require(validator.is_valid(data), f"the JSON Schema refuses {text}")
    strict = not isinstance(data, dict) or not validator.is_valid({**data, UNKNOWN: 1})
    require(strict, "the JSON Schema accepts an unknown key")


@check(Component)
def check_strict(component: Component) -> None:
    """A key that is no field is refused by name, and fields cannot be assigned."""
    data = component.model_dump(mode="json", by_alias=True)
    refused = _refusal(lambda: type(component).model_validate({**data, UNKNOWN: 1}))
    require(refused, f"the unknown key {UNKNOWN!r} is accepted; keep 'extra' at 'forbid'")
    at_the_key = any(UNKNOWN in path for path in refused)
    require(at_the_key, f"the unknown key {UNKNOWN!r} is refused at {refused}")
    frozen = _refusal(lambda: setattr(component, "type", component.type))
    require(frozen, "fields can be assigned; keep the model frozen")


def _refusal(function: Callable[[], object]) -> list[str]:
    """Return where pydantic refuses something, nothing where it does not."""
    try:
        function()
    except ValidationError as error:
        return [".".join(map(str, line["loc"])) for line in error.errors()] or ["as a whole"]
    return []


@check(
    *(Algorithm, Network, Normalization, AuxiliaryLoss, Regularizer, Augmentation),
    *(Callback, FeatureExtractor),
)
def check_refusals(component: Component, options: Options) -> None:
    """Whatever a ``check`` is asked about, it accepts or raises a ValueError with a message.

    That of an algorithm yields problems instead.
    """
    for question, ask_it in _questions(component, options):
        try:
            answer = ask_it()
        except ValueError as error:
            require(str(error).strip(), f"{question} is refused without a message")
        except Exception as error:
            kind = type(error).__name__
            fail(f"'check' raises {kind} ({error}) for {question}, not a ValueError")
        else:
            right = answer is None or all(isinstance(each, Problem) for each in answer)
            require(right, f"'check' gives {answer!r} for {question}, not None or problems")


def _questions(component: Component, options: Options) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what a ``check`` may be asked about, in words, with a function that asks."""
    if isinstance(component, Callback):
        for setting in (CallbackSetting({}, ()), CallbackSetting({"fd@pixels": None}, ("one",))):
            yield f"a run with {setting}", partial(component.check, setting)
    elif isinstance(component, Normalization):
        for layer in ((1, 0), (7, 2)):
            yield f"a layer {layer}", partial(component.check, *layer)
    else:
        for shape in ODD:
            for kind in (None, *KINDS):
                told = f" with {kind}" if kind else ""
                yield f"samples {shape}{told}", partial(ask, component, shape, kind, options)


def family_of(component: Component) -> type[Component]:
    """Return the family that a component belongs to."""
    (family,) = (family for family in FAMILIES if isinstance(component, family))
    return family
