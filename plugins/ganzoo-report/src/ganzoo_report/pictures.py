"""Pictures of a run as data addresses, small enough that a page with many of them is."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

BUDGET = 2_400_000
"""Characters of the addresses of all pictures of a page's grids."""

MOST_FRAMES = 24

LEVELS = ((82, 720), (70, 560), (55, 420), (40, 300), (25, 200))
"""Quality and longest side in pixels, from the best to the smallest files."""

BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """A picture to be shown: its address, what it shows in words, and its size in pixels."""

    source: str
    words: str
    width: int
    height: int
    step: int | None = None


def pictures_of(paths: Sequence[tuple[Path, str, int | None]]) -> list[Picture]:
    """Return pictures, given as paths, words and steps, all as good as fit the budget together.

    Those that cannot be read are left out.
    """
    found: list[Picture] = []
    for quality, side in LEVELS:
        found = [
            Picture(*encoded[:1], words, *encoded[1:], step)
            for path, words, step in paths
            if (encoded := _of_file(path, quality, side)) is not None
        ]
        if sum(len(each.source) for each in found) <= BUDGET:
            break
    return found


def some_of(paths: Sequence[Path], most: int = MOST_FRAMES) -> list[Path]:
    """Return at most so many, evenly chosen, with the first and the last one."""
    if len(paths) <= most:
        return list(paths)
    last = len(paths) - 1
    return [paths[round(index * last / (most - 1))] for index in range(most)]


def address(image: Image.Image, *, quality: int | None = None) -> str:
    """Return a picture as a data address; without a quality it is kept to the last bit."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality or 80, lossless=quality is None, method=2)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"


def _of_file(path: Path, quality: int, side: int) -> tuple[str, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _encoded(path, status.st_mtime_ns, status.st_size, quality, side)


@lru_cache(maxsize=128)
def _encoded(
    path: Path, _changed: int, _size: int, quality: int, side: int
) -> tuple[str, int, int] | None:
    """Return the address and the size of a file's picture, or None if it cannot be read.

    Grids are kept, so that each is encoded once while a run is trained.
    """
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (side, side))
            image = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
    except (OSError, ValueError, SyntaxError, *BOMBS):
        return None
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return address(image, quality=quality), image.width, image.height
