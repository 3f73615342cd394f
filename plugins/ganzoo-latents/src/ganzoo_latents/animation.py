"""Animations of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ganzoo.utils.images import save_image


def save_gif(frames: Sequence[Image.Image], path: Path, *, seconds: float = 0.1) -> None:
    """Write an animation that plays forwards and backwards in an endless loop."""
    if not frames:
        raise ValueError("an animation needs one or more frames")
    first, *others = [*frames, *frames[-2:0:-1]]
    duration = round(1000 * seconds)
    save_image(first, path, save_all=True, append_images=others, duration=duration, loop=0)
