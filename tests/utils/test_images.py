import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.components import Arrays, Images, Points, Sequences
from ganzoo.errors import UsageError
from ganzoo.utils.images import (
    image_grid,
    point_plot,
    save_image,
    sequence_grid,
    to_image,
    to_uint8,
)
from ganzoo.visual.grids import sample_picture


def test_samples_are_quantized_by_rounding():
    values = np.array([-2, -1, -0.999, 0, 0.5, 1, 7, np.nan], dtype=np.float32)
    assert to_uint8(values).tolist() == [0, 0, 0, 128, 191, 255, 255, 128]


def test_every_level_survives_the_way_there_and_back():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(levels / np.float32(127.5) - 1), levels)
    assert to_uint8(levels) is levels


@pytest.mark.parametrize(
    ("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (5, "L")]
)
def test_channels_decide_on_the_mode(channels, mode):
    image = to_image(np.zeros((channels, 4, 6), np.uint8))
    assert (image.mode, image.size) == (mode, (6, 4))


def test_images_are_placed_row_by_row_on_white():
    levels = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones((3, 1, 2, 2), np.uint8)
    grid = np.asarray(image_grid(levels, columns=2, padding=1, scale=1))
    assert grid.shape == (7, 7)
    assert (grid[1:3, 1:3] == 0).all()
    assert (grid[1:3, 4:6] == 1).all()
    assert (grid[4:6, 1:3] == 2).all()
    assert (grid[4:6, 4:6] == 255).all()
    assert (grid[0] == 255).all()


def test_small_images_are_enlarged_pixel_for_pixel():
    images = np.random.default_rng(0).integers(0, 256, (1, 1, 32, 32), dtype=np.uint8)
    grid = np.asarray(image_grid(images, padding=0))
    assert grid.shape == (64, 64)
    assert np.array_equal(grid[::2, ::2], images[0, 0])
    assert image_grid(np.zeros((1, 3, 128, 128), np.uint8), padding=0).size == (128, 128)


def test_a_grid_is_enlarged_to_the_smallest_side_asked_for():
    images = np.zeros((4, 1, 28, 28), np.uint8)
    assert image_grid(images, min_side=240).size == (4 * 62, 4 * 62)
    assert image_grid(images, min_side=10).size == (2 * 62, 2 * 62)


@pytest.mark.parametrize("shape", [(0, 1, 4, 4), (4, 4), (2, 4, 4)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match="expected one or more images"):
        image_grid(np.zeros(shape))


def test_points_are_drawn_where_they_are():
    plot = np.asarray(point_plot([[1.0, 1.0]], side=240)).astype(int)
    row, column = np.argwhere(plot[..., 2] - plot[..., 0] > 30).mean(axis=0)
    assert row < 60
    assert column > 180


def test_points_that_are_not_finite_are_left_out():
    assert point_plot([[np.nan, 0.0], [np.inf, 1.0]], side=100).size == (100, 100)
    with pytest.raises(ValueError, match="expected one or more points"):
        point_plot(np.zeros((0, 2)))


def test_the_kind_of_sample_decides_on_the_picture():
    assert Points(2).preview(np.zeros((4, 2), np.float32)).mode == "RGB"
    assert Images(1, 8, 8).preview(np.zeros((4, 1, 8, 8), np.float32)).mode == "L"


def test_tensors_are_saved_as_arrays_are(tmp_path):
    samples = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    save_image(image_grid(samples), tmp_path / "a.png")
    save_image(image_grid(samples.numpy()), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"grid\.what: the suffix must be .*, such as grid\.png"):
        save_image(Image.new("L", (1, 1)), tmp_path / "grid.what")
    assert list(tmp_path.iterdir()) == []


def test_sequences_are_drawn_as_lines_side_by_side():
    rising = np.linspace(-1, 1, 50)
    grid = sequence_grid(np.stack([[rising], [-rising]]), columns=2)
    assert sequence_grid(np.zeros((2, 3, 1)), columns=1).size == (grid.width // 2 + 1, 150)
    blue = np.asarray(grid).astype(int)
    rows, columns = np.nonzero(blue[..., 2] - blue[..., 0] > 100)
    first, second = columns < grid.width / 2, columns > grid.width / 2
    assert np.corrcoef(columns[first], rows[first])[0, 1] < -0.99  # higher is further up
    assert np.corrcoef(columns[second], rows[second])[0, 1] > 0.99


def test_channels_of_sequences_have_colours_and_one_scale():
    pixels = np.asarray(sequence_grid(np.stack([[np.zeros(9), np.ones(9)]]))).astype(int)
    blue = np.argwhere(pixels[..., 2] - pixels[..., 0] > 100)
    red = np.argwhere(pixels[..., 0] - pixels[..., 2] > 100)
    assert blue[:, 0].min() > 60
    assert red[:, 0].max() < 12


def test_sequences_that_are_not_finite_are_drawn_and_what_is_no_sequence_is_refused():
    broken = np.array([[[np.nan, np.inf, 1.0]], [[-np.inf, 0.0, 1.0]]])
    assert sequence_grid(broken).mode == "RGB"
    for shape in ((0, 1, 4), (4, 2), (2, 1, 4, 4)):
        with pytest.raises(ValueError, match="expected one or more sequences"):
            sequence_grid(np.zeros(shape))


def test_the_space_of_sequences_previews_them():
    space = Sequences(2, 16)
    samples = np.random.default_rng(0).normal(size=(5, 2, 16))
    assert space.preview(samples, columns=5).size[0] > 5 * 100


def test_16_bit_images_have_one_picture_in_every_kind_of_grid():
    levels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.full((1, 1, 4, 4), 60, np.uint8)
    stored = levels.astype(np.uint16) * 257
    space = Images(1, 4, 4, 16)
    assert np.array_equal(np.asarray(space.preview(stored)), np.asarray(image_grid(levels)))
    named = sample_picture(space, stored, ("a", "b"))
    assert np.array_equal(np.asarray(named), np.asarray(sample_picture(space, levels, ("a", "b"))))


def test_arrays_that_are_not_finite_are_drawn_as_the_lowest_value():
    field = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    broken = field.copy()
    broken[0, 0, 0, 0] = np.nan
    broken[0, 0, 0, 1] = np.inf
    space = Arrays((1, 4, 4))
    picture = np.asarray(space.preview(broken))[24:-24:12, 24:-24:12]  # a pixel for each value
    assert picture.shape == (4, 4)
    assert picture[0, :2].tolist() == [0, 0]
    assert picture[0, 2] == 0, "the lowest that is finite"
    assert picture[3, 3] == 255
    assert np.asarray(space.preview(np.full((1, 1, 4, 4), np.nan, np.float32))).shape


def test_formats_that_cannot_be_written_or_cannot_hold_a_picture_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"a\.psd: the suffix must be that of an image format"):
        save_image(Image.new("L", (1, 1)), tmp_path / "a.psd")
    with pytest.raises(UsageError, match=r"a\.jpg: .*RGBA.*; write a \.png file instead"):
        save_image(Image.new("RGBA", (1, 1)), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
