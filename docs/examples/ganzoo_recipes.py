"""A plugin with recipes: the JSON files in the folder beside this module."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the files; they must be in the wheel, too."""
    return sorted(Path(__file__).with_name("recipes").glob("*.json"))
