"""Folders of small pictures, and the program in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fixtures import program
from PIL import Image

__all__ = ["program"]


def picture(seed: int, width: int = 40, height: int = 32, mode: str = "RGB") -> Image.Image:
    """Return a picture of large soft spots, no two seeds alike."""
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    image = Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC)
    return image.convert(mode)


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Splits and classes, sizes and modes, copies, one in another split, and two damaged files."""
    folder = tmp_path / "my photos"
    for split, count in (("train", 12), ("test", 4)):
        for number in range(count):
            label = "cats" if number % 4 else "dogs"
            path = folder / split / label / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(number if split == "train" else 100 + number).save(path)
    cats = folder / "train" / "cats"
    (cats / "copy.png").write_bytes((cats / "01.png").read_bytes())
    (folder / "train" / "dogs" / "cat.png").write_bytes((cats / "02.png").read_bytes())
    picture(3).resize((160, 128)).save(folder / "test" / "cats" / "large.jpg", quality=80)
    picture(50, mode="L").save(cats / "grey.png")
    picture(51).save(cats / "cut.png")
    (cats / "cut.png").write_bytes((cats / "cut.png").read_bytes()[:-40])
    (cats / "text.jpg").write_bytes(b"no image at all")
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Forty grey pictures of one size, in one folder."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for number in range(40):
        picture(number, 16, 16, "L").save(folder / f"{number:02}.png")
    return folder
