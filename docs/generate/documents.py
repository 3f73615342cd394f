"""Pages that are files at the root of the repository."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "LICENSE": "licence.md"}


def document(name: str) -> str:
    """Return a document of the repository's root, its links changed to those of the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name == "LICENSE":
        return f"# Licence\n\n{text}"
    for source, target in PAGES.items():
        text = text.replace(f"]({source})", f"]({target})")
    return re.sub(r"(\]\(|src=\")docs/", r"\1", text)
