"""``ganzoo plugins``: what is installed, and whether it works."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Sequence
from email.message import Message
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.completion import complete_plugin
from ganzoo.cli.options import json_option
from ganzoo.cli.output import say, write, write_json, write_table
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.plugins import PluginRecord, installed
from ganzoo.plugins.discovery import about, normalized
from ganzoo.plugins.offers import OFFERS

if TYPE_CHECKING:
    from ganzoo.cli.app import Settings


@click.command("list")
@json_option
@click.option("--all", "show_all", is_flag=True, help="Show disabled plugins, too.")
@click.option("--timings", is_flag=True, help="Show how long each took to load.")
def list_plugins(as_json: bool, show_all: bool, timings: bool) -> None:
    """List the plugins installed, with what each provides or why it failed.

    Disabled plugins are not imported, so what they provide is unknown; they are listed with --all.
    """
    records = installed().records
    shown = [each for each in records if show_all or each.status != "disabled"]
    if as_json:
        write_json([_facts(record) for record in shown])
        return
    write_table([_row(record, timings) for record in shown])
    if hidden := len(records) - len(shown):
        say(f"{_count(hidden, 'disabled plugin')} not shown; '--all' shows all")


@click.command()
@click.argument("name", shell_complete=complete_plugin)
@json_option
@click.pass_obj
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show what a plugin provides, or why it failed.

    NAME is that of its distribution, such as ganzoo-dcgan. Where the plugin failed, 'ganzoo --debug
    plugins show NAME' shows the traceback.
    """
    records = {record.name: record for record in installed().records}
    record = records.get(name) or records.get(normalized(name))  # a local file's is as it is
    if record is None:
        known = f"{did_you_mean(name, records)} (installed: {', '.join(records)})"
        raise UsageError(f"no plugin is called {name!r}{known}")
    if as_json:
        write_json(_facts(record))
    else:
        _write(record)
    if settings.debug and record.error is not None:
        say("".join(traceback.format_exception(record.error)).rstrip())


def _row(record: PluginRecord, timings: bool) -> list[str]:
    time = [f"{1000 * record.seconds:.0f} ms".rjust(8)] if timings else []
    counts: dict[str, Sequence[object]] = {
        "component": record.components,
        "recipe": record.recipes,
        "command": record.commands,
        "listener": _events(record),
        "warning": record.remarks,
    }
    words = ", ".join(_count(len(each), what) for what, each in counts.items() if each)
    return [record.name, record.version, record.status, *time, record.cause or words or "nothing"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _write(record: PluginRecord) -> None:
    facts = _facts(record)
    rows = [
        ("name", f"{record.name} {record.version}"),
        ("status", f"{record.status}: {record.cause}" if record.cause else record.status),
        *(("warning", remark) for remark in record.remarks),
        ("about", facts["summary"]),
        ("licence", facts["license"]),
        ("homepage", facts["homepage"]),
        ("module", record.module),
        ("loaded in", f"{record.seconds:.3f} s" if record.seconds else ""),
        *(("listens to", hook) for hook in facts["listens_to"]),
    ]
    write_table([row for row in rows if row[1]])
    sections: dict[str, Sequence[Sequence[str]]] = {
        "components": _components(record),
        "recipes": list(facts["recipes"].items()),
        "commands": [(f"ganzoo {name}", text) for name, text in facts["commands"].items()],
    }
    for title, section in sections.items():
        if section:
            write(f"\n{title}")
            write_table(section, indent="  ")


def _components(record: PluginRecord) -> list[tuple[str, str, str]]:
    """Return family, name and the first line of the docstring of each component."""
    texts = [inspect.cleandoc(entry.component.__doc__ or "") for entry in record.components]
    lines = zip(record.components, texts, strict=True)
    return sorted((each.family, each.name, text.partition("\n")[0]) for each, text in lines)


def _events(record: PluginRecord) -> list[str]:
    """Return the hooks it implements for events in the life of a run."""
    return [hook for hook in record.hooks if hook not in OFFERS]


def _facts(record: PluginRecord) -> dict[str, Any]:
    """Return everything known of a plugin, for programs."""
    described = about(record.name)
    components: dict[str, dict[str, str]] = {}
    for family, name, summary in _components(record):
        components.setdefault(family, {})[name] = summary
    return {
        "name": record.name,
        "version": record.version,
        "summary": described.get("Summary"),
        "license": described.get("License-Expression") or described.get("License"),
        "homepage": _homepage(described),
        "status": record.status,
        "cause": record.cause,
        "warnings": record.remarks,
        "module": record.module,
        "seconds": round(record.seconds, 6),
        "components": components,
        "recipes": {each.name: each.description for each in record.recipes},
        "commands": {each.name: each.help for each in record.commands},
        "listens_to": _events(record),
    }


def _homepage(described: Message) -> str | None:
    """Return the homepage of a distribution, else the first of its links."""
    links = [link.partition(",") for link in described.get_all("Project-URL", [])]
    named = {label.strip().lower(): address.strip() for label, _, address in links}
    homepage: str | None = named.get("homepage") or described.get("Home-page")
    return homepage or next(iter(named.values()), None)
