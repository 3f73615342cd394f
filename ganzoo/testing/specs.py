"""Checks that hold for components of all families: how specs write them, and what they refuse."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

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
    SpecModel,
    Translator,
)
from ganzoo.components.registry import Registry, active, using
from ganzoo.errors import Problem
from ganzoo.spec import Training
from ganzoo.spec.schema import component_schema, run_spec_schema
from ganzoo.testing.checks import DEFAULT, Options, check, few, require
from ganzoo.testing.objectives import setting_of
from ganzoo.testing.trials import KINDS, TINY, condition_of, registered

UNKNOWN = "no_such_parameter"

ODD: tuple[tuple[int, ...], ...] = ((1, 1, 1), (3, 7, 5), (16, 64, 64), (2,), (1, 9), (2, 3, 4, 5))
"""Shapes of samples that a ``check`` must accept or refuse: images, points, sequences, arrays."""


@check
def check_name(component: Component) -> None:
    """``type`` is a literal of one name, which specs can write."""
    field = type(component).model_fields["type"]
    one = get_args(field.annotation) == (field.default,)
    require(one, "'type' must be a Literal of one name that is also the default")
    right = re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", str(field.default))
    require(right, f"the name is {field.default!r}; it must be small letters, digits, - and _")


@check
def check_descriptions(component: Component) -> None:
    """The class has a docstring, whose first line catalogues show, and each field a description."""
    name = type(component).__name__
    first = (type(component).__dict__.get("__doc__") or "").strip().partition("\n")[0]
    require(first, f"{name} has no docstring")
    require(len(first) <= 100, "the first line of the docstring is over 100 letters long")
    missing = few(_undescribed(type(component), ""))
    require(not missing, f"{missing} has no description")


@check
def check_json(component: Component) -> None:
    """Written as JSON and read again, it is equal; the JSON Schema accepts it, and no unknown key."""
    installed = active()
    (family,) = (family for family in FAMILIES if isinstance(component, family))
    tiny = TINY if isinstance(component, Algorithm) else ()
    with registered(type(component), *tiny) as known:
        data = TypeAdapter(family).dump_python(component, mode="json")
        text = json.dumps(data, allow_nan=False)
        again = TypeAdapter(family).validate_python(json.loads(text))
        require(again == component, f"its JSON {text} is read as {again!r}")
        if isinstance(component, Algorithm):  # its fields are keys of the spec itself
            dataset = {"type": "arrays", "path": "samples.npz"}
            data = {"algorithm": data.pop("type"), "dataset": dataset, **data}
            schema = run_spec_schema()
        elif known is installed:
            schema = {"$ref": f"#/$defs/{component.family}", "$defs": _definitions(installed)}
        else:
            entry = known.entry_of(type(component))
            assert entry is not None  # it was registered just now
            schema = {**component_schema(entry), "$defs": _definitions(installed)}
    validator = Draft202012Validator(schema)
    require(validator.is_valid(data), f"the JSON Schema refuses {text}")
    strict = not isinstance(data, dict) or not validator.is_valid({**data, UNKNOWN: 1})
    require(strict, "the JSON Schema accepts an unknown key")


@check
def check_strict(component: Component) -> None:
    """A key that is no field is refused by name, and fields cannot be assigned."""
    data = component.model_dump(mode="json", by_alias=True)
    try:
        type(component).model_validate({**data, UNKNOWN: 1})
    except ValidationError as error:
        named = [".".join(map(str, line["loc"])) for line in error.errors()]
        at_the_key = any(UNKNOWN in path for path in named)
        require(at_the_key, f"the unknown key {UNKNOWN!r} is refused at {named}")
    else:
        require(False, f"the unknown key {UNKNOWN!r} is accepted; keep 'extra' at 'forbid'")
    try:
        setattr(component, "type", component.type)  # noqa: B010 - as a careless caller would
    except ValidationError:
        return
    require(False, "fields can be assigned; keep the model frozen")


@check
def check_refusals(component: Component, options: Options = DEFAULT) -> None:
    """Whatever a ``check`` is asked about, it accepts or raises a ValueError with a message.

    That of an algorithm yields problems instead.
    """
    for question, ask in _questions(component, options):
        try:
            answer = ask()
        except ValueError as error:
            require(str(error).strip(), f"{question} is refused without a message")
        except Exception as error:
            kind = type(error).__name__
            require(False, f"'check' raises {kind} ({error}) for {question}, not a ValueError")
        else:
            right = answer is None or all(isinstance(each, Problem) for each in answer)
            require(right, f"'check' gives {answer!r} for {question}, not None or problems")


def _questions(component: Component, options: Options) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what a ``check`` may be asked about, in words, with a function that asks."""
    if isinstance(component, Callback):
        for setting in (CallbackSetting({}, ()), CallbackSetting({"fd@pixels": None}, ("one",))):
            yield f"a run with {setting}", partial(component.check, setting)
    if isinstance(component, Normalization):
        for layer in ((1, 0), (7, 2)):
            yield f"a layer {layer}", partial(component.check, *layer)
    for shape in ODD:
        if isinstance(component, FeatureExtractor):
            yield f"samples {shape}", partial(component.check, shape)
        for kind in (None, *KINDS):
            ask = _asking(component, shape, kind, options)
            if ask is not None:
                yield f"samples {shape} with {kind or 'no condition'}", ask


def _asking(
    component: Component, shape: tuple[int, ...], kind: Any, options: Options
) -> Callable[[], Any] | None:
    setting = setting_of(shape, kind, options)
    if isinstance(component, Translator):
        return lambda: component.check_source(shape, shape, condition_of(kind))
    if isinstance(component, Network):
        return lambda: component.check(shape, condition_of(kind))
    if isinstance(component, AuxiliaryLoss | Regularizer | Augmentation):
        return lambda: component.check(setting)
    if isinstance(component, Algorithm):
        return lambda: list(component.check(setting.data, Training()))
    return None


@functools.lru_cache(maxsize=4)
def _definitions(registry: Registry) -> dict[str, Any]:
    """Return the schemas of all families and members; the registry is the one in use."""
    with using(registry):
        definitions: dict[str, Any] = run_spec_schema()["$defs"]
    return definitions


def _undescribed(model: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name != "type" or not issubclass(model, Component):
            if not (field.description or "").strip():
                yield f"{path}{name}"
            for nested in _models(field.annotation):
                yield from _undescribed(nested, f"{path}{name}.")


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names, families left out: members are checked apart."""
    if get_args(annotation):
        return [model for each in get_args(annotation) for model in _models(each)]
    named = isinstance(annotation, type) and issubclass(annotation, SpecModel)
    return [annotation] if named and not issubclass(annotation, Component) else []
