"""``ganzoo plugins``: what is installed, and what became of it."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import click

from ganzoo.cli.completion import complete_plugin
from ganzoo.cli.output import json_option, write_json, write_table
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.plugins import PluginRecord, installed


@click.command("list")
@json_option
def list_plugins(as_json: bool) -> None:
    """List the plugins installed, with what each provides or why it was left out."""
    records = installed().records
    if as_json:
        write_json([_facts(record) for record in records])
        return
    write_table(
        [(each.name, each.version, each.status, each.cause or _counts(each)) for each in records]
    )


@click.command()
@click.argument("name", shell_complete=complete_plugin)
@json_option
def show(name: str, as_json: bool) -> None:
    """Say what a plugin provides: components, recipes and commands.

    NAME is that of its distribution, such as ganzoo-dcgan.
    """
    records = {record.name: record for record in installed().records}
    if name not in records:
        known = ", ".join(records)
        raise UsageError(
            f"no plugin is called {name!r}{did_you_mean(name, records)} (installed: {known})"
        )
    facts = _facts(records[name])
    if as_json:
        write_json(facts)
        return
    rows = [
        ("name", f"{facts['name']} {facts['version']}"),
        ("about", facts["summary"]),
        ("status", facts["status"] + (f": {facts['cause']}" if facts["cause"] else "")),
        ("module", f"{facts['module']}, imported in {facts['seconds']:.3f} s"),
    ]
    rows += [(family, ", ".join(names)) for family, names in facts["components"].items()]
    rows += [("recipes", ", ".join(facts["recipes"]))] if facts["recipes"] else []
    rows += [("command", f"ganzoo {each['name']}: {each['help']}") for each in facts["commands"]]
    write_table(rows)


def _facts(record: PluginRecord) -> dict[str, Any]:
    about = metadata.metadata(record.name)
    components: dict[str, list[str]] = {}
    for entry in record.components:
        components.setdefault(entry.family, []).append(entry.name)
    return {
        "name": record.name,
        "version": record.version,
        "summary": about["Summary"],
        "status": record.status,
        "cause": record.cause,
        "module": record.module,
        "seconds": record.seconds,
        "components": {family: sorted(names) for family, names in sorted(components.items())},
        "recipes": sorted(recipe.name for recipe in record.recipes),
        "commands": [{"name": each.name, "help": each.help} for each in record.commands],
    }


def _counts(record: PluginRecord) -> str:
    counts = [
        (len(record.components), "component"),
        (len(record.recipes), "recipe"),
        (len(record.commands), "command"),
    ]
    words = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count]
    return ", ".join(words) or "nothing"
