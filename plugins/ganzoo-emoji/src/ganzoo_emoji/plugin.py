"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the data sets."""
    from ganzoo_emoji.components import Emoji, EmojiPairs

    return [Emoji, EmojiPairs]
