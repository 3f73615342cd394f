"""Write ganzoo/known_components.json: which of this repository's plugins brings which component.

The core looks there to say which package to install when a spec names a component that is not there.
Run it after a plugin has gained or lost a component; a test says when that was forgotten.
"""

from __future__ import annotations

import json
from pathlib import Path

from ganzoo.plugins import installed

ROOT = Path(__file__).resolve().parent.parent


def known_components() -> dict[str, dict[str, list[str]]]:
    """Return the names of components by distribution and family."""
    ours = {folder.name for folder in (ROOT / "plugins").iterdir()}
    known: dict[str, dict[str, list[str]]] = {}
    for entry in installed().registry.entries():
        if entry.provider.name in ours:
            families = known.setdefault(entry.provider.name, {})
            families.setdefault(entry.family, []).append(entry.name)
    return {name: known[name] for name in sorted(known)}


if __name__ == "__main__":
    text = json.dumps(known_components(), indent=2) + "\n"
    (ROOT / "ganzoo" / "known_components.json").write_text(text, encoding="utf-8")
