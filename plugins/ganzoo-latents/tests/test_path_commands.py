"""``ganzoo traverse`` and ``ganzoo interpolate``."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo

WRITERS = [
    ["traverse", "RUN", "--dims", "1"],
    ["interpolate", "RUN", "--rows", "1", "--steps", "2"],
]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """Run each test in a folder of its own, where default outputs go."""
    monkeypatch.chdir(tmp_path)


def facts(path):
    """Return mode, size and number of frames of a picture."""
    with Image.open(path) as image:
        return image.mode, image.size, getattr(image, "n_frames", 1)


@pytest.fixture
def conditional(finished, monkeypatch):
    """The finished run, as if it had been trained with the names of three classes."""

    def sample(self, n=64, *, latents=None, labels=None, **_):
        images = np.full((len(latents), 1, 28, 28), -1, np.float32)
        for image, label in zip(images, labels, strict=True):
            image[:, 4:24, 4:24] = label % 3
        return torch.from_numpy(images)

    monkeypatch.setattr(ganzoo.api.Run, "class_names", ("cat", "dog", "owl"))
    monkeypatch.setattr(ganzoo.api.Run, "sample", sample)
    return finished


@pytest.mark.parametrize("command", WRITERS, ids=str)
def test_a_file_of_the_user_is_kept_unless_forced(program, finished, command):
    Path("mine.png").write_text("years of work")
    arguments = [finished if each == "RUN" else each for each in command]
    refused = program(*arguments, "-o", "mine.png")
    assert refused.code == 2
    assert "error: mine.png: exists already" in refused.err
    assert Path("mine.png").read_text() == "years of work"
    assert program(*arguments, "-o", "mine.png", "--force").code == 0
    assert Path("mine.png").read_bytes() != b"years of work"
    result = program(*arguments, "-o", "no/such/mine.png")
    assert result.code == 2
    assert "error: no/such/mine.png: the folder no/such does not exist" in result.err


def test_the_animation_is_checked_before_the_picture_is_written(program, finished):
    Path("way.gif").write_text("mine")
    result = program("interpolate", finished, "--rows", 1, "-o", "way.png")
    assert result.code == 2
    assert "way.gif: exists already" in result.err
    assert not Path("way.png").exists()


def test_an_unknown_class_is_refused(program, conditional):
    assert "--label: no class is called '3'" in program("traverse", conditional, "--label", "3").err


def test_traverse_draws_a_row_a_coordinate_and_a_column_a_value(program, finished):
    arguments = ["--dims", "0,3,7", "--values", "-30,-3,0,3,30"]
    assert program("traverse", finished, *arguments).out == "small-1-traversal.png\n"
    _, (width, height), _ = facts("small-1-traversal.png")
    assert 5 * 56 < width < 7 * 56
    assert 3 * 56 < height < 4 * 56


def test_traverse_varies_the_first_coordinates_by_default_and_takes_ranges(program, finished):
    program("traverse", finished, "-o", "all.png")
    program("traverse", finished, "--dims", "0-5,6,7", "-o", "ranges.png")
    with Image.open("all.png") as first, Image.open("ranges.png") as second:
        assert first.size == second.size
        assert first.tobytes() == second.tobytes()


def test_interpolations_of_classes_name_the_rows(program, conditional):
    assert program("interpolate", conditional, "--rows", 2, "--steps", 2, "-o", "a.png").code == 0
    assert facts("a.png")[0] == "RGB"


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ("5-2", "'5-2' is not a list of numbers"),
        ("0-999999999999", "'0-999999999999' is not a list of numbers"),
        ("0,8", "coordinates 0 to 7, not 8"),
        ("a", "'a' is not a list of numbers"),
    ],
)
def test_coordinates_that_are_not_there_are_refused(program, finished, dims, message):
    result = program("traverse", finished, "--dims", dims)
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize("way", ["--spherical", "--linear"])
def test_interpolate_draws_a_table_and_an_animation(program, finished, way):
    result = program("interpolate", finished, way, "--steps", 3, "--rows", 2, "-o", "way.png")
    assert result.out == "way.png\nway.gif\n"
    table = (2 * (3 * 30 + 2), 2 * (2 * 30 + 2))  # each pixel is 2, each image 28 and its gap 2
    assert facts("way.png") == ("L", table, 1)
    assert facts("way.gif")[2] > 3
    assert min(facts("way.gif")[1]) >= 240


def test_a_grid_and_its_animation_never_share_a_file(program, finished):
    result = program("interpolate", finished, "--rows", 1, "--steps", 2, "-o", "way.gif")
    assert result.out.split() == ["way.png", "way.gif"]
    with Image.open("way.png") as grid, Image.open("way.gif") as animation:
        assert (grid.format, animation.format) == ("PNG", "GIF")


def test_default_names_are_free_for_all_endings(program, finished):
    Path("small-1-interpolation.gif").write_text("mine")
    result = program("interpolate", finished, "--rows", 1, "--steps", 2)
    assert result.out.split() == ["small-1-interpolation-2.png", "small-1-interpolation-2.gif"]
