"""Writes ganzoo/known_components.json: what each package of this repository provides.

The core reads the file to say which package provides a component that a spec names, or a command, and
that is not installed. Run this after adding, renaming or removing one in ``plugins/``::

    uv run python tools/known_components.py
"""

from __future__ import annotations

import json
from pathlib import Path

from ganzoo.plugins import Plugins

ROOT = Path(__file__).parents[1]

FILE = ROOT / "ganzoo" / "known_components.json"


def known_components() -> str:
    """Return what the file should hold, from the installed plugins of this repository."""
    plugins = Plugins()
    plugins.load_core()
    plugins.load_installed()
    known: dict[str, dict[str, list[str]]] = {}
    for record in plugins.records:
        if not (ROOT / "plugins" / record.name).is_dir():
            continue
        families = known.setdefault(record.name, {})
        for entry in sorted(record.components, key=lambda entry: (entry.family, entry.name)):
            families.setdefault(entry.family, []).append(entry.name)
        if record.commands:
            families["command"] = sorted(command.name for command in record.commands)
    return json.dumps({name: known[name] for name in sorted(known)}, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(known_components(), encoding="utf-8")
