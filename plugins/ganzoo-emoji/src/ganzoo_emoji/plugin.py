"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import hookimpl
from ganzoo.components import Component


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data sets."""
    from ganzoo_emoji.components import Emoji, EmojiPairs

    return [Emoji, EmojiPairs]


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the recipes that train on them."""
    return sorted(Path(__file__).parent.joinpath("recipes").glob("*.json"))
