"""What a spec needs to know of the emoji."""

from __future__ import annotations

from typing import Final, Literal

Designer = Literal["google", "twitter"]

LICENCES: Final[dict[Designer, str]] = {
    "google": "pictures by Google (Noto Emoji), Apache License 2.0",
    "twitter": "pictures by Twitter and jdecked (Twemoji), Creative Commons Attribution 4.0",
}

CATEGORIES: Final = (
    "Activities",
    "Animals & Nature",
    "Flags",
    "Food & Drink",
    "Objects",
    "People & Body",
    "Smileys & Emotion",
    "Symbols",
    "Travel & Places",
)
"""The classes, in their order; the five skin tones and hair styles in 'Component' are left out."""

SPLITS: Final = ("train", "test", "all")
