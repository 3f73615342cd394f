"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_digits.dataset import Mnist5k, StackedMnist
from ganzoo_digits.extractors import LeNetMnist, StackedLeNetMnist
from ganzoo_digits.modes import ClassModes


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data sets, and what evaluates samples of them."""
    return [Mnist5k, StackedMnist, LeNetMnist, StackedLeNetMnist, ClassModes]


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the recipes that train on them."""
    return sorted(Path(__file__).parent.joinpath("recipes").glob("*.json"))
