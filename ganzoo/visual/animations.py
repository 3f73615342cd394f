"""Animations from one picture to the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ganzoo.utils.images import save_image


def save_gif(frames: Sequence[Image.Image], path: Path, *, seconds: float = 0.1) -> None:
    """Write an animation that runs to its last frame and back, for ever.

    Args:
        frames: pictures of one size.
        path: the GIF to write; it is there whole or not at all.
        seconds: time each frame is shown.

    Raises:
        ValueError: there are no frames.
    """
    if not frames:
        raise ValueError("an animation needs one or more frames")
    first, *others = [*frames, *frames[-2:0:-1]]
    save_image(
        first, path, save_all=True, append_images=others, duration=round(1000 * seconds), loop=0
    )
