"""The fields of a model as a table: name, type, default and meaning, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ganzoo.components import FAMILIES, SpecModel
from ganzoo.spec.schema import value_words
from generate.markdown import code, prose, table

Schema = Mapping[str, Any]

HEAD = ("Field", "Type", "Default", "What it is")

FAMILY_NAMES = [family.family for family in FAMILIES]


def field_table(model: type[SpecModel], schema: Schema, *, families: str, anchor: str = "") -> str:
    """Return a table with a row for each field but ``type``.

    Args:
        model: the model.
        schema: its JSON Schema.
        families: address of the folder with a page for each family, seen from this page.
        anchor: what the anchor of each field starts with; none are set where it is empty.
    """
    rows = [
        _row(model, name, schema, families, anchor)
        for name in schema["properties"]
        if name != "type"
    ]
    return table(HEAD, rows) if rows else "No fields."


def _row(
    model: type[SpecModel], name: str, schema: Schema, families: str, anchor: str
) -> tuple[str, str, str, str]:
    described = schema["properties"][name]
    field = next(each for key, each in model.model_fields.items() if name in {key, each.alias})
    mark = f"{{ #{anchor}{name.lstrip('$')} }}" if anchor else ""
    return (
        f"`{name}`{mark}",
        type_words(described, families),
        "required" if name in schema.get("required", ()) else _default(described, field),
        prose(field.description or ""),
    )


def _default(described: Schema, field: Any) -> str:
    if "default" in described:
        return code(json.dumps(described["default"], ensure_ascii=False))
    made = field.get_default(call_default_factory=True)
    return "its defaults" if isinstance(made, SpecModel) else code(json.dumps(made))


def type_words(schema: Schema, families: str) -> str:
    """Describe in Markdown which values a schema accepts."""
    return value_words(schema, code=code, reference=lambda name: _reference(name, families))


def _reference(name: str, families: str) -> str:
    if name in FAMILY_NAMES:
        return f"[{name}]({families}{name}.md)"
    return f"[object](#{name.lower()})"
