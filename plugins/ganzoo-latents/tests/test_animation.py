import numpy as np
import pytest
from ganzoo_latents.animation import save_gif
from PIL import Image


def test_an_animation_runs_there_and_back_for_ever(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (0, 100, 200)]
    save_gif(frames, tmp_path / "a.gif", seconds=0.05)
    levels = []
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["loop"] == 0
        assert image.info["duration"] == 50
        for frame in range(image.n_frames):
            image.seek(frame)
            levels.append(image.convert("L").getpixel((0, 0)))
    assert levels == [0, 100, 200, 100]


def test_an_animation_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one or more frames"):
        save_gif([], tmp_path / "a.gif")
