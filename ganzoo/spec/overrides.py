"""Changing single fields of a spec: ``training.batch_size=128``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ganzoo.components import Component, Schedule, SpecModel, registry
from ganzoo.components.base import DEEPEST
from ganzoo.errors import Problem, SpecError
from ganzoo.spec import RunSpec
from ganzoo.spec.reading import LONGEST_SHOWN, read_json, shown

Class = TypeVar("Class")

Overrides = Sequence[str] | Mapping[str, Any]
"""Changes of a spec: ``["training.batch_size=128"]``, or ``{"training.batch_size": 128}``."""

LONGEST_PLACE: Final = 9  # digits of a place in a list

MISSING: Final = object()  # stands where a spec says nothing and the field has no default either


def apply_overrides(data: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """Return a copy of a spec, plain data, with some fields set; it is not validated yet.

    An assignment is ``PATH=VALUE``. The path is dotted, with numbers for places in a list
    (``regularizers.0.weight``). The value is read as JSON where it is JSON, else taken as text. A path
    may lead into a component that the spec gives by its bare name or leaves at its default; its
    other parameters stay as they are. Later assignments see earlier ones. In a mapping from paths to
    values, a value is taken as it is.

    Raises:
        SpecError: an assignment has no ``=``, or its path leads nowhere.
    """
    changed: Any = plain_data(data)
    for assignment, path, value in _assignments(overrides):
        keys = path.strip().split(".")
        if not all(keys):
            hint = "write PATH=VALUE, such as training.batch_size=128"
            raise SpecError([Problem("", f"cannot read {_brief(assignment)}: {hint}")])
        if len(keys) > DEEPEST:
            raise SpecError([Problem(keys[0], f"is nested too deeply, beyond {DEEPEST} levels")])
        try:
            changed = _assign(changed, RunSpec, keys, value)
        except _DeadEnd as dead_end:
            where = ".".join(keys[: len(keys) - dead_end.left])
            raise SpecError([Problem(where, f"{dead_end} (in {_brief(assignment)})")]) from None
    result: dict[str, Any] = changed
    return result


def plain_data(value: Any, levels: int = DEEPEST) -> Any:
    """Return a copy in which numpy's numbers, arrays, tuples and paths are what JSON would hold.

    What is nested too deeply stays as it is, and is refused where the spec is validated.
    """
    if levels and isinstance(value, Mapping):
        return {key: plain_data(each, levels - 1) for key, each in value.items()}
    if levels and isinstance(value, list | tuple):
        return [plain_data(each, levels - 1) for each in value]
    if isinstance(value, PurePath):
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _assignments(overrides: Overrides) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    """Yield each assignment as written, its path, and what reads its value for a kind of field."""
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            yield path, path, partial(_as_given, value)
        return
    texts = [overrides] if isinstance(overrides, str) else overrides
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        problem = "expected texts PATH=VALUE, or a mapping from paths to values"
        raise SpecError([Problem("overrides", f"{problem}, not {shown(overrides)}")])
    for text in texts:
        path, separator, value = text.partition("=")
        yield text, path if separator else "", partial(_read, value)


class _DeadEnd(Exception):  # noqa: N818 - it never leaves this module
    """A path leads nowhere; ``left`` counts the keys that could not be followed."""

    def __init__(self, reason: str, left: int) -> None:
        self.left = left
        super().__init__(reason)


def _assign(node: Any, kind: Any, keys: Sequence[str], read: Callable[[Any], Any]) -> Any:
    """Return a node, plain data or MISSING, with the value at the end of a path set.

    ``kind`` is the annotation of the field the node stands in, or None where it is not known; ``read``
    returns the value for it.
    """
    if not keys:
        return read(kind)
    key, rest = keys[0], keys[1:]
    if isinstance(node, list):
        if not key.isdecimal() or len(key) > LONGEST_PLACE or int(key) >= len(node):
            places = f"its places are 0 to {len(node) - 1}" if node else "it is empty"
            raise _DeadEnd(f"this list has no place {key!r}: {places}", len(keys))
        changed = list(node)
        changed[int(key)] = _assign(node[int(key)], _element(kind), rest, read)
        return changed
    node = _as_object(node, kind, keys)
    field = _fields(node, kind).get(key)
    child = node.get(key, MISSING)
    if child is MISSING and field is not None and rest:
        child = _default(field)
    return {**node, key: _assign(child, field and field.annotation, rest, read)}


def _as_object(node: Any, kind: Any, keys: Sequence[str]) -> dict[str, Any]:
    """Return an object that a key can be set in, writing out what stands there for short."""
    if isinstance(node, dict):
        return node
    family = _class_in(kind, Component)
    if family is not None and isinstance(node, str):
        return {"type": node}
    if family is Schedule and isinstance(node, int | float) and not isinstance(node, bool):
        return {"type": "constant", "value": node}
    if node is MISSING or node is None:
        if family is None or keys[0] == "type":
            return {}
        words = family.family.replace("_", " ")
        raise _DeadEnd(f"no {words} is chosen yet; set its type first", len(keys))
    raise _DeadEnd(f"{shown(node)} has no fields to set", len(keys))


def _fields(node: Mapping[str, Any], kind: Any) -> dict[str, FieldInfo]:
    """Return the fields an object may have, by the names a spec uses; none where they are not known."""
    model = _class_in(kind, SpecModel)
    if model is not None and issubclass(model, Component) and model.is_family():
        try:
            model = registry.active().find(model.family, str(node.get("type"))).component
        except LookupError:
            return {}
    if model is None:
        return {}
    if issubclass(model, RunSpec):
        return model.fields_of(node)
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _default(field: FieldInfo) -> Any:
    """Return what a spec that leaves a field out means by it, as plain data."""
    if field.default_factory is not None:
        return {}
    if field.default is PydanticUndefined:
        return MISSING
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _as_given(value: Any, _kind: Any) -> Any:
    return plain_data(value)


def _read(text: str, kind: Any) -> Any:
    """Read a value: as JSON, else as text; a field for text alone takes ``2024`` as text too."""
    try:
        value = read_json(text)
    except json.JSONDecodeError:
        return text
    except ValueError as error:
        raise _DeadEnd(str(error), 0) from None
    return text if kind is str and not isinstance(value, str) else value


def _brief(assignment: str) -> str:
    return repr(
        assignment if len(assignment) <= LONGEST_SHOWN else f"{assignment[:LONGEST_SHOWN]}…"
    )


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union but None, or the kind itself."""
    if get_origin(kind) in {Union, UnionType}:
        return tuple(each for each in get_args(kind) if each is not NoneType)
    return (kind,)


def _class_in(kind: Any, base: type[Class]) -> type[Class] | None:
    classes = (each for each in _alternatives(kind) if isinstance(each, type))
    return next((each for each in classes if issubclass(each, base)), None)


def _element(kind: Any) -> Any:
    found = (get_args(each)[0] for each in _alternatives(kind) if get_origin(each) is tuple)
    return next(found, None)
