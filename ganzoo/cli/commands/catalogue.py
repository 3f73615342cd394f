"""``ganzoo list`` and ``ganzoo show``: the installed components."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from ganzoo.cli.completion import complete_component, complete_family
from ganzoo.cli.options import json_option
from ganzoo.cli.output import write_json, write_table
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
    if family is not None:
        _check_family(family)
    shown = FAMILY_NAMES if family is None else [family]
    entries = {name: list(active().entries(name)) for name in shown}
    if as_json:
        write_json([_summary(entry) for name in shown for entry in entries[name]])
        return
    names = [active().name_of(entry.component) for each in entries.values() for entry in each]
    width = max((len(name) for name in names), default=0)
    for number, name in enumerate(shown):
        click.echo(("\n" if number else "") + name)
        if not entries[name]:
            click.echo("  none installed")
        write_table([_row(entry, width) for entry in entries[name]], indent="  ")


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
    entries = _find(name, family)
    if as_json:
        write_json([_description(entry) for entry in entries])
        return
    for number, entry in enumerate(entries):
        if number:
            click.echo()
        _write_description(entry)


def _check_family(family: str) -> None:
    if family not in FAMILY_NAMES:
        raise UsageError(
            f"unknown family {family!r}{did_you_mean(family, FAMILY_NAMES)}"
            f" (available: {', '.join(FAMILY_NAMES)})"
        )


def _find(name: str, family: str | None) -> list[Entry]:
    """Return the components with a name, in one family or in all."""
    if family is not None:
        _check_family(family)
    found = []
    reason = None
    for each in FAMILY_NAMES if family is None else [family]:
        try:
            found.append(active().find(each, name))
        except UnknownNameError as error:
            reason = str(error)
        except AmbiguousNameError as error:
            raise UsageError(f"{each}: {error}") from None
    if found:
        return found
    if family is not None and reason is not None:
        raise UsageError(reason)
    if name in installed().recipes:
        raise UsageError(f"{name!r} is a recipe; 'ganzoo init {name} -o -' prints it")
    names = {active().name_of(entry.component) for entry in active().entries()}
    raise UsageError(
        f"unknown component {name!r}{did_you_mean(name, sorted(names))}"
        " (list all with 'ganzoo list')"
    )


def _row(entry: Entry, width: int) -> tuple[str, str, str]:
    name = active().name_of(entry.component)
    return name.ljust(width), entry.provider.name, _first_line(entry)


def _first_line(entry: Entry) -> str:
    return inspect.cleandoc(entry.component.__doc__ or "").partition("\n")[0]


def _summary(entry: Entry) -> dict[str, Any]:
    return {
        "family": entry.family,
        "name": active().name_of(entry.component),
        "qualified_name": entry.qualified_name,
        "provider": entry.provider.name,
        "version": entry.provider.version,
        "summary": _first_line(entry),
        "paper": entry.component.paper,
    }


def _description(entry: Entry) -> dict[str, Any]:
    from ganzoo.spec.schema import component_schema, value_words

    schema = component_schema(entry)
    fields = []
    for name, field in schema["properties"].items():
        if name != "type":
            facts = {
                key: value for key, value in field.items() if key not in {"default", "description"}
            }
            fields.append(
                {
                    "name": name,
                    "description": field.get("description", ""),
                    "required": name in schema["required"],
                    "default": field.get("default"),
                    "kind": value_words(field),
                    "schema": facts,
                }
            )
    text = inspect.cleandoc(entry.component.__doc__ or "")
    return {**_summary(entry), "description": text, "fields": fields}


def _write_description(entry: Entry) -> None:
    described = _description(entry)
    click.echo(f"{entry.family} {described['name']}")
    click.echo()
    click.echo("\n".join(f"  {line}".rstrip() for line in described["description"].splitlines()))
    click.echo()
    facts = [("from", str(entry.provider))]
    if described["paper"]:
        facts.append(("paper", described["paper"]))
    write_table(facts, indent="  ")
    for field in described["fields"]:
        default = "required" if field["required"] else f"default {json.dumps(field['default'])}"
        click.echo()
        click.echo(f"  {field['name']}: {field['kind']}, {default}")
        write_table([(field["description"],)], indent="    ")
