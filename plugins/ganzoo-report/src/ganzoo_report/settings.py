"""The settings of a run, and which of them are not the defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined, to_jsonable_python

from ganzoo.components import Component, Schedule, SpecModel
from ganzoo.spec import Duration, RunSpec

LONGEST = 120
"""Characters of a value that are shown."""

NOT_SHOWN = frozenset(("name", "description", "$schema", "requires"))
"""Settings that stand at the top of the page, or that decide nothing."""


@dataclass(frozen=True)
class Setting:
    """A setting by its path in the spec; without a default it had to be chosen."""

    path: str
    value: str
    default: str | None


def changed_settings(spec: RunSpec) -> list[Setting]:
    """Return the settings that had to be chosen or are not what a spec that leaves them out gets."""
    found = _settings(spec, "", {})
    return [each for each in found if each.path.partition(".")[0] not in NOT_SHOWN]


def _settings(model: SpecModel, path: str, given: dict[str, Any]) -> Iterator[Setting]:
    """Yield what differs in a model; ``given`` are values that count as defaults in this place."""
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        if name == "type" and isinstance(model, Component):
            continue  # yielded by whoever holds the component
        value, default = getattr(model, name), field.get_default(call_default_factory=True)
        where = f"{path}.{key}" if path else key
        yield from _setting(value, given.get(name, default), where)


def _setting(value: Any, default: Any, path: str) -> Iterator[Setting]:
    if isinstance(value, Component) and not _is_constant(value):
        named = _as_mapping(default)
        same = value.type.rpartition(":")[2] == str(named.get("type")).rpartition(":")[2]
        if not same:
            yield Setting(path, value.type, as_text(named["type"]) if named else _default(default))
        inner = "" if path == "algorithm" else path
        yield from _settings(value, inner, named if same else {})
    elif isinstance(value, SpecModel) and not _is_constant(value):
        yield from _settings(value, path, {})
    elif not _same(value, default):
        several = value if isinstance(value, tuple) else ()
        parts = [each for each in several if isinstance(each, Component) and not _is_constant(each)]
        types = ", ".join(each.type for each in parts)
        yield Setting(path, types or as_text(value), _default(default))
        for index, each in enumerate(parts):
            yield from _settings(each, f"{path}.{index}", {})


def _is_constant(value: Any) -> bool:
    """Return whether a value is a schedule that is written as a plain number."""
    return isinstance(value, Schedule) and value.type == "constant"


def _as_mapping(default: Any) -> dict[str, Any]:
    """Return a default component as a mapping; one may be given by name."""
    if isinstance(default, str):
        return {"type": default}
    if isinstance(default, Component):
        return {name: getattr(default, name) for name in type(default).model_fields}
    return dict(default) if isinstance(default, dict) else {}


def _same(value: Any, default: Any) -> bool:
    return default is not PydanticUndefined and _plain(value) == _plain(default)


def _plain(value: Any) -> Any:
    """Return a value as it is written in a spec."""
    if isinstance(value, Duration):
        return str(value)
    if _is_constant(value):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and value.get("type") == "constant":
        return value.get("value")
    if isinstance(value, dict) and value.keys() == {"type"}:
        return value["type"]
    return to_jsonable_python(value, fallback=str)


def _default(default: Any) -> str | None:
    return None if default is PydanticUndefined else as_text(default)


def as_text(value: Any) -> str:
    """Write a value as JSON has it, words without quotes, and cut off where it is long."""
    plain = _plain(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
