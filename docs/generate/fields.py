"""The fields of a model as a table: name, type, default and meaning, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ganzoo.components import FAMILIES, SpecModel
from generate.markdown import code, prose, table

Schema = Mapping[str, Any]

HEAD = ("Field", "Type", "Default", "What it is")

FAMILY_NAMES = [family.family for family in FAMILIES]

_BOUNDS = (
    ("minimum", "≥"),
    ("exclusiveMinimum", ">"),
    ("maximum", "≤"),
    ("exclusiveMaximum", "<"),
)


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
    """Say what a value must be."""
    if "$ref" in schema:
        return _reference(schema["$ref"].rpartition("/")[2], families)
    if "anyOf" in schema:
        return " or ".join(type_words(each, families) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(json.dumps(value)) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return _list_words(schema, families)
    if kind == "object":
        return f"object of {type_words(schema['additionalProperties'], families)}"
    if kind == "boolean":
        return "`true` or `false`"
    if kind == "string" and "examples" in schema:
        return f"text such as {code(json.dumps(schema['examples'][0]))}"
    words = {"string": "text", "integer": "integer", "number": "number", "null": "`null`"}[kind]
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS if key in schema]
    return " ".join([words, ", ".join(bounds)]).strip()


def _reference(name: str, families: str) -> str:
    if name in FAMILY_NAMES:
        return f"[{name}]({families}{name}.md)"
    return f"[object](#{name.lower()})"


def _list_words(schema: Schema, families: str) -> str:
    if "prefixItems" in schema:
        kinds = [type_words(each, families) for each in schema["prefixItems"]]
        same = len(set(kinds)) == 1
        return f"list of {len(kinds)}: {f'each {kinds[0]}' if same else ', '.join(kinds)}"
    return f"list, each {type_words(schema['items'], families)}"
