"""Checks that hold for components of all families: how specs write them."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, get_args, get_origin

from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from ganzoo.components import FAMILIES, Component, SpecModel
from ganzoo.components.registry import Registry, active
from ganzoo.spec.schema import run_spec_schema
from ganzoo.testing.faults import check, require
from ganzoo.testing.tiny import registered
from ganzoo.testing.trials import few

UNKNOWN = "no_such_parameter"


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
    with registered(type(component)):
        text = json.dumps(_dump(component), allow_nan=False)
        again = _adapter(component).validate_python(json.loads(text))
    require(
        again == component,
        f"as JSON it is {text}, which is read as {again!r}; it must be read as it was",
    )


@check
def check_schema(component: Component) -> None:
    """The JSON Schema accepts what it is as JSON, and no unknown key."""
    with registered(type(component)):
        validator, data = _validator(active(), component.family), _dump(component)
    require(
        validator.is_valid(data),
        f"the JSON Schema refuses {json.dumps(data)}; fields must be of types whose JSON it knows",
    )
    if isinstance(data, dict):
        require(
            not validator.is_valid({**data, UNKNOWN: 1}),
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


@functools.lru_cache(maxsize=64)
def _validator(registry: Registry, family: str) -> Draft202012Validator:
    """Return what validates a member of a family; the registry is the one in use."""
    del registry  # the schema of another one is another
    return Draft202012Validator({"$ref": f"#/$defs/{family}", "$defs": run_spec_schema()["$defs"]})


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
