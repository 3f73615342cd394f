"""The JSON Schema of specs, with all installed components, for editors and other programs."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind, models_json_schema

from ganzoo.components import (
    FAMILIES,
    FAMILY_KEY,
    Algorithm,
    Component,
    Schedule,
    SpecModel,
    registry,
)
from ganzoo.components.registry import Entry
from ganzoo.errors import PluginError, PluginWarning, in_a_line
from ganzoo.plugins import Selection
from ganzoo.spec.durations import Duration
from ganzoo.spec.run import DEFAULT_ALGORITHM, RunSpec

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOT = "#/$defs/"
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def run_spec_schema() -> Schema:
    """Return one JSON Schema (draft 2020-12) of a spec, with the components that are installed.

    Each family is a definition of its own, named as the family; so is each member, named
    ``<family>.<name>``. A member that cannot be described is left out, with a warning that names its
    plugin; where plugins are strict, it is an error.
    """
    entries = list(registry.active().entries())
    try:
        return _schema_of(entries)
    except Exception:
        return _schema_of([entry for entry in entries if _can_be_described(entry)])


def _can_be_described(entry: Entry) -> bool:
    try:
        component_schema(entry)
        _has_only_defaults(entry)
    except PluginError as error:
        if Selection.from_environment(os.environ).strict:
            raise
        warnings.warn(f"{error}; the schema is without it", PluginWarning, stacklevel=2)
        return False
    return True


def _schema_of(entries: Sequence[Entry]) -> Schema:
    """Return the schema of a spec with these components."""
    models: list[type[SpecModel]] = [RunSpec, *(entry.component for entry in entries)]
    references, generated = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Generator
    )
    own = {model: references[model, "validation"]["$ref"].removeprefix(ROOT) for model in models}
    names = {own[entry.component]: _definition_name(entry) for entry in entries}
    definitions: Schema = {
        names.get(name, name): _relink(definition, names)
        for name, definition in generated["$defs"].items()
    }
    for entry in entries:
        _describe_type(definitions[_definition_name(entry)], entry)
    for family in FAMILIES:
        members = [entry for entry in entries if entry.family == family.family]
        definitions[family.family] = _family_schema(family, members)
    root = definitions.pop(own[RunSpec])
    _switch_on_algorithm(root, definitions, entries)
    return {"$schema": DIALECT, **root, "$defs": dict(sorted(definitions.items()))}


def _switch_on_algorithm(root: Schema, definitions: Schema, entries: Sequence[Entry]) -> None:
    """Let the algorithm decide which keys stand beside the common ones."""
    algorithms = [entry for entry in entries if entry.family == Algorithm.family]
    cases = []
    for entry in algorithms:
        definition = definitions[_definition_name(entry)]
        definition["properties"].pop("type")
        definition["required"] = [name for name in definition["required"] if name != "type"]
        definition["description"] = _summary(entry)
        definition.pop("additionalProperties", None)
        names: Schema = {"enum": _names(entry)}
        chosen: Schema = {"properties": {"algorithm": _by_name(names)}}
        if DEFAULT_ALGORITHM not in names["enum"]:
            chosen["required"] = ["algorithm"]
        # Not unevaluatedProperties, which would blame all keys where the value of one is wrong.
        keys = {"enum": [*root["properties"], *definition["properties"]]}
        own = {"$ref": ROOT + _definition_name(entry), "propertyNames": keys}
        cases.append({"if": chosen, "then": own})
    everyone = {"enum": [name for entry in algorithms for name in _names(entry)]}
    definitions[Algorithm.family] = {
        "description": definitions[Algorithm.family]["description"],
        **_by_name(everyone),
    }
    root.pop("additionalProperties", None)
    root["allOf"] = cases


def _by_name(names: Schema) -> Schema:
    """Return the schema of a component without parameters: its name, or an object with its type."""
    properties = {"type": {"description": "Its name.", **names}}
    as_object = {"type": "object", "properties": properties, "required": ["type"]}
    return {"anyOf": [names, {**as_object, "additionalProperties": False}]}


def component_schema(entry: Entry) -> Schema:
    """Return the schema of one component; where any member of a family may stand, a reference does.

    The references (``#/$defs/activation``) are those of ``run_spec_schema``.

    Raises:
        PluginError: the class is not one that pydantic can describe.
    """
    try:
        made = entry.component.model_json_schema(schema_generator=_Generator)
    except Exception as error:
        raise _at_fault(entry, error) from error
    schema: Schema = _relink(made, {})
    _describe_type(schema, entry)
    return schema


def value_words(
    schema: Mapping[str, Any],
    *,
    code: Callable[[str], str] = str,
    reference: Callable[[str], str] = lambda name: name.replace("_", " "),
) -> str:
    """Describe in a few words which values the schema of a field accepts, for help and documentation.

    ``code`` formats a JSON value, ``reference`` the name of a definition that the schema refers to.
    """

    def words(part: Mapping[str, Any]) -> str:
        return value_words(part, code=code, reference=reference)

    if "$ref" in schema:
        return reference(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(words(each) for each in schema["anyOf"])
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is not None:
        return " or ".join(code(json.dumps(value)) for value in values)
    kind = schema.get("type", "any value")
    if kind == "array" and "prefixItems" in schema:
        kinds = [words(each) for each in schema["prefixItems"]]
        same = len(set(kinds)) == 1
        return f"list of {len(kinds)}: {f'each {kinds[0]}' if same else ', '.join(kinds)}"
    if kind == "array":
        return f"list, each {words(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {words(schema['additionalProperties'])}"
    if "examples" in schema:
        return f"{kind} such as {code(json.dumps(schema['examples'][0]))}"
    if kind == "boolean":
        return f"{code('true')} or {code('false')}"
    bounds = [f"{sign} {json.dumps(schema[key])}" for key, sign in BOUNDS.items() if key in schema]
    return f"{code(kind) if kind == 'null' else kind} {', '.join(bounds)}".strip()


class _Generator(GenerateJsonSchema):
    """pydantic's generator without titles, which repeat names, and with defaults as specs say them."""

    def encode_default(self, default: Any) -> Any:
        if isinstance(default, Duration):
            return str(default)
        if isinstance(default, dict) and default.get("type") == "constant":
            return default["value"]
        if isinstance(default, dict) and list(default) == ["type"]:
            return default["type"]
        return super().encode_default(default)

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Refuse defaults that JSON cannot say: no run could write its spec."""
        if kind == "non-serializable-default":
            raise PydanticInvalidForJsonSchema(detail)
        super().emit_warning(kind, detail)

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def model_schema(self, schema: Any) -> Schema:
        """Leave out the title of the class too: a definition has its name."""
        made: Schema = super().model_schema(schema)
        made.pop("title", None)
        return made


def _definition_name(entry: Entry) -> str:
    return f"{entry.family}.{registry.active().name_of(entry.component)}"


def _relink(schema: Any, names: Mapping[str, str]) -> Any:
    """Replace the marks of families by references, and references by their new names."""
    if isinstance(schema, list):
        return [_relink(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    linked = {key: _relink(value, names) for key, value in schema.items() if key != FAMILY_KEY}
    if FAMILY_KEY in schema:
        return {"$ref": ROOT + schema[FAMILY_KEY], **linked}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(ROOT)
        linked["$ref"] = ROOT + names.get(name, name)
    return linked


def _describe_type(definition: Schema, entry: Entry) -> None:
    """Let a member's ``type`` be any name by which a spec finds it, and require it."""
    definition["properties"]["type"] = {
        "enum": _names(entry),
        "description": f"{_summary(entry)} From {entry.provider}.",
    }
    required = [name for name in definition.get("required", ()) if name != "type"]
    definition["required"] = ["type", *required]


def _family_schema(family: type[Component], entries: Sequence[Entry]) -> Schema:
    """Return what may stand where a field asks for a family."""
    bare = [name for entry in entries if _has_only_defaults(entry) for name in _names(entry)]
    choices: list[Schema] = [{"$ref": ROOT + _definition_name(entry)} for entry in entries]
    if bare:
        choices.append({"enum": bare, "description": "A bare name stands for its defaults."})
    if family is Schedule:
        choices.append({"type": "number", "description": "A plain number stays the same."})
    described: Schema = {"description": (family.__doc__ or "").strip().partition("\n")[0]}
    return {**described, "oneOf": choices} if choices else {**described, "not": {}}


def _names(entry: Entry) -> list[str]:
    """Return the names that find a component; the short one only where it is unambiguous."""
    return list(dict.fromkeys([registry.active().name_of(entry.component), entry.qualified_name]))


def _has_only_defaults(entry: Entry) -> bool:
    try:
        entry.component()
    except ValidationError:
        return False
    except Exception as error:
        raise _at_fault(entry, error) from error
    return True


def _at_fault(entry: Entry, error: Exception) -> PluginError:
    reason = f"cannot be described: {in_a_line(error).rstrip('.')}"
    return PluginError(f"plugin {entry.provider}: its {entry.family} {entry.name!r} {reason}")


def _summary(entry: Entry) -> str:
    return (entry.component.__doc__ or "").strip().partition("\n")[0]
