"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_digits.dataset import Mnist5k


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data set."""
    return [Mnist5k]


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the recipes that train on it."""
    return sorted(Path(__file__).parent.joinpath("recipes").glob("*.json"))
