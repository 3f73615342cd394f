"""Checks that hold for components of all families: how specs write them, and what they refuse."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args, get_origin

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
from ganzoo.testing.objectives import scene_of
from ganzoo.testing.trials import KINDS, TINY, condition_of, registered

UNKNOWN = "no_such_parameter"

ODD: tuple[tuple[int, ...], ...] = ((1, 1, 1), (3, 7, 5), (16, 64, 64), (2,), (1, 9), (2, 3, 4, 5))
"""Shapes of samples that a ``check`` must accept or refuse: images, points, sequences, arrays."""


@check
def check_name(component: Component) -> None:
    """``type`` is a literal of one name, which specs can write."""
    field = type(component).model_fields["type"]
    require(
        get_args(field.annotation) == (field.default,),
        f"'type' is annotated {field.annotation} and defaults to {field.default!r}; it must be a"
        " Literal of one name that is also the default",
    )
    require(
        re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", str(field.default)),
        f"the name is {field.default!r}; it must be small letters and digits, with - or _ between",
    )


@check
def check_docstring(component: Component) -> None:
    """The class has a docstring of its own; its first line is what catalogues show."""
    text = (type(component).__dict__.get("__doc__") or "").strip()
    require(
        text,
        f"{type(component).__name__} has no docstring; its first line must say what it is, for"
        " catalogues",
    )
    first = text.partition("\n")[0]
    require(
        len(first) <= 100,
        f"the first line of the docstring has {len(first)} letters; catalogues have room for 100",
    )


@check
def check_descriptions(component: Component) -> None:
    """Every field has a description, those of nested models included."""
    missing = _undescribed(type(component), "")
    require(
        not missing,
        f"{few(missing)} has no description; every field must say what it is, with its unit",
    )


@check
def check_json(component: Component) -> None:
    """Written as JSON and read again, it is equal."""
    with registered(type(component), *_tiny(component)):
        text = json.dumps(_dump(component), allow_nan=False)
        again = _adapter(component).validate_python(json.loads(text))
    require(
        again == component,
        f"as JSON it is {text}, which is read as {again!r}; it must be read as it was",
    )


@check
def check_schema(component: Component) -> None:
    """The JSON Schema accepts what it is as JSON, and no unknown key."""
    installed = active()
    with registered(type(component), *_tiny(component)) as known:
        data = _dump(component)
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
    require(
        validator.is_valid(data),
        f"the JSON Schema refuses {json.dumps(data)}; fields must be of types whose JSON it knows",
    )
    require(
        not isinstance(data, dict) or not validator.is_valid({**data, UNKNOWN: 1}),
        "the JSON Schema accepts an unknown key; keep 'extra' at 'forbid'",
    )


@check
def check_unknown_keys(component: Component) -> None:
    """A key that is no field is refused by name."""
    data = component.model_dump(mode="json", by_alias=True)
    try:
        type(component).model_validate({**data, UNKNOWN: 1})
    except ValidationError as error:
        named = [".".join(map(str, line["loc"])) for line in error.errors()]
        require(
            any(UNKNOWN in path for path in named),
            f"the unknown key {UNKNOWN!r} is refused at {named}; the error must be at the key",
        )
        return
    require(
        False,
        f"the unknown key {UNKNOWN!r} is accepted; it must be refused, so keep 'extra' at 'forbid'",
    )


@check
def check_frozen(component: Component) -> None:
    """Parameters cannot be changed, and do not change when something is built."""
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
            require(str(error).strip(), f"{question} is refused without a message; it must say why")
        except Exception as error:
            require(
                False,
                f"'check' raises {type(error).__name__} ({error}) for {question}; it must raise a"
                " ValueError, or nothing",
            )
        else:
            require(
                answer is None or all(isinstance(each, Problem) for each in answer),
                f"'check' gives {answer!r} for {question}; it must raise a ValueError, or give nothing"
                " (problems, if it is that of an algorithm)",
            )


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
    setting = scene_of(shape, kind, options).setting
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


def _tiny(component: Component) -> tuple[type[Component], ...]:
    return TINY if isinstance(component, Algorithm) else ()


def _adapter(component: Component) -> TypeAdapter[Any]:
    (family,) = (family for family in FAMILIES if isinstance(component, family))
    return TypeAdapter(family)


def _dump(component: Component) -> Any:
    return _adapter(component).dump_python(component, mode="json")


def _undescribed(model: type[BaseModel], path: str) -> list[str]:
    missing = []
    for name, field in model.model_fields.items():
        if name == "type" and issubclass(model, Component):
            continue
        where = f"{path}{name}"
        if not (field.description or "").strip():
            missing.append(where)
        for nested in _models(field.annotation):
            missing += _undescribed(nested, f"{where}.")
    return missing


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names, families left out: members are checked apart."""
    if get_origin(annotation) is not None or get_args(annotation):
        return [model for each in get_args(annotation) for model in _models(each)]
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return [] if issubclass(annotation, Component) else [annotation]
    return []
