import numpy as np
import pytest

from ganzoo.visual.grids import labelled_grid


def test_images_stand_in_the_row_and_column_of_their_labels():
    images = np.full((6, 1, 64, 64), 255, np.uint8)
    images[4] = 0  # second row, second column of three
    picture = np.asarray(labelled_grid(images, ["a", "b"], ["x", "y", "z"]).convert("L"))
    black = np.argwhere(picture == 0)
    (top, left), (bottom, right) = black.min(axis=0), black.max(axis=0)
    assert (bottom - top, right - left) == (63, 63)
    assert top > 64
    assert 64 < left < picture.shape[1] - 128


def test_labels_are_drawn_at_left_and_above():
    images = np.full((1, 1, 64, 64), 255, np.uint8)
    plain = np.asarray(labelled_grid(images, [" "], [" "]).convert("L"))
    assert (plain == 255).all()
    labelled = np.asarray(labelled_grid(images, ["z[10]"], ["-30"], corner="latent").convert("L"))
    left = labelled.shape[1] - 64
    assert labelled[40:, : left - 8].min() < 128
    assert labelled[:20, left:].min() < 128
    assert labelled[:20, : left - 8].min() < 128


def test_long_column_labels_are_made_to_fit():
    images = np.zeros((2, 1, 64, 64), np.uint8)
    short = labelled_grid(images, ["r"], ["1", "2"])
    long = labelled_grid(images, ["r"], ["-0.000123", "114514.5"])
    assert long.width <= short.width


@pytest.mark.parametrize("shape", [(3, 1, 4, 4), (2, 2)])
def test_samples_that_do_not_fit_the_labels_are_refused(shape):
    with pytest.raises(ValueError, match="expected 2 images"):
        labelled_grid(np.zeros(shape), ["a"], ["x", "y"])
