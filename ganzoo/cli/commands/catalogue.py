"""``ganzoo list`` and ``ganzoo show``: the installed components."""

from __future__ import annotations

import inspect
import json
import textwrap
from typing import Any

import click

from ganzoo.cli.completion import complete_component, complete_family
from ganzoo.cli.options import json_option
from ganzoo.cli.output import write, write_json, write_table
from ganzoo.components import FAMILIES
from ganzoo.components.registry import AmbiguousNameError, Entry, UnknownNameError, active
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.plugins import installed

FAMILY_NAMES = [family.family for family in FAMILIES]


@click.command("list")
@click.argument("family", required=False, shell_complete=complete_family)
@json_option
def list_components(family: str | None, as_json: bool) -> None:
    """List the installed components.

    FAMILY is one kind of component, such as generator or activation; without it, all are listed.

    \b
      ganzoo list
      ganzoo list activation
      ganzoo list --json
    """
    tables = {name: [*map(_summary, active().entries(name))] for name in _families(family)}
    shown = [each for table in tables.values() for each in table]
    if as_json:
        write_json(shown)
        return
    width = max((len(each["name"]) for each in shown), default=0)
    for number, (name, table) in enumerate(tables.items()):
        write(("\n" if number else "") + name)
        if not table:
            write("  none installed")
        rows = [(each["name"].ljust(width), each["provider"], each["summary"]) for each in table]
        write_table(rows, indent="  ")


@click.command()
@click.argument("name", shell_complete=complete_component)
@click.option(
    "--family", metavar="FAMILY", shell_complete=complete_family, help="Look in one family only."
)
@json_option
def show(name: str, family: str | None, as_json: bool) -> None:
    """Describe a component and its fields.

    NAME is the type that a spec names; components of several families may share it.

    \b
      ganzoo show dcgan
      ganzoo show mlp --family discriminator
      ganzoo show ganzoo-dcgan:dcgan --json
    """
    descriptions = [_description(entry) for entry in _find(name, family)]
    if as_json:
        write_json(descriptions)
        return
    for number, described in enumerate(descriptions):
        write(("\n" if number else "") + f"{described['family']} {described['name']}\n")
        write(textwrap.indent(described["description"], "  "))
        write("")
        facts = [("from", f"{described['provider']} {described['version']}")]
        facts += [("paper", described["paper"])] if described["paper"] else []
        write_table(facts, indent="  ")
        for field in described["fields"]:
            default = "required" if field["required"] else f"default {json.dumps(field['default'])}"
            write(f"\n  {field['name']}: {field['kind']}, {default}")
            write_table([(field["description"],)], indent="    ")


def _families(chosen: str | None) -> list[str]:
    """Return the chosen family, or the names of all."""
    if chosen is None:
        return FAMILY_NAMES
    if chosen not in FAMILY_NAMES:
        known = f"{did_you_mean(chosen, FAMILY_NAMES)} (available: {', '.join(FAMILY_NAMES)})"
        raise UsageError(f"unknown family {chosen!r}{known}")
    return [chosen]


def _find(name: str, family: str | None) -> list[Entry]:
    found = []
    for each in _families(family):
        try:
            found.append(active().find(each, name))
        except UnknownNameError as error:
            if family is not None:
                raise UsageError(str(error)) from None
        except AmbiguousNameError as error:
            raise UsageError(f"{each}: {error}") from None
    if found:
        return found
    if name in installed().recipes:
        raise UsageError(f"{name!r} is a recipe; 'ganzoo init {name} -o -' prints it")
    names = sorted({active().name_of(entry.component) for entry in active().entries()})
    hint = f"{did_you_mean(name, names)} (list all with 'ganzoo list')"
    raise UsageError(f"unknown component {name!r}{hint}")


def _summary(entry: Entry) -> dict[str, Any]:
    return {
        "family": entry.family,
        "name": active().name_of(entry.component),
        "qualified_name": entry.qualified_name,
        "provider": entry.provider.name,
        "version": entry.provider.version,
        "summary": _text(entry).partition("\n")[0],
        "paper": entry.component.paper,
    }


def _description(entry: Entry) -> dict[str, Any]:
    from ganzoo.spec.schema import component_schema, value_words

    schema = component_schema(entry)
    fields = [
        {
            "name": name,
            "description": field.get("description", ""),
            "required": name in schema["required"],
            "default": field.get("default"),
            "kind": value_words(field),
            "schema": {key: field[key] for key in field if key not in {"default", "description"}},
        }
        for name, field in schema["properties"].items()
        if name != "type"
    ]
    return {**_summary(entry), "description": _text(entry), "fields": fields}


def _text(entry: Entry) -> str:
    """Return the docstring of a component with the quotes of Markdown."""
    return inspect.cleandoc(entry.component.__doc__ or "").replace("``", "`")
