import numpy as np
import pytest

from ganzoo.visual.grids import class_grid, labelled_grid, whole_rows


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


def test_the_last_row_of_a_grid_of_classes_may_be_incomplete():
    images = np.zeros((5, 1, 64, 64), np.uint8)
    picture = np.asarray(class_grid(images, ["cat", "dog", "owl"]).convert("L"))
    assert picture.shape[1] < 4 * 64 + 60
    assert picture.shape[0] > 2 * 64
    assert (picture[-64:-8, -56:-8] == 255).all()  # the sixth tile
    assert (picture[-56:-8, 40:100] == 0).any()
    few = class_grid(images[:2], ["cat", "dog", "owl"])
    assert few.width < 64 * 3


@pytest.mark.parametrize(
    ("count", "classes", "whole"),
    [(64, 10, 60), (20, 10, 20), (64, 3, 63), (64, 2, 64), (5, 10, 5), (64, 0, 64), (64, 21, 64)],
)
def test_a_grid_of_classes_has_whole_rows(count: int, classes: int, whole: int) -> None:
    assert whole_rows(count, [str(each) for each in range(classes)]) == whole


@pytest.mark.parametrize("shape", [(3, 1, 4, 4), (2, 2), (0, 1, 4, 4)])
def test_samples_that_do_not_fit_the_labels_are_refused(shape):
    with pytest.raises(ValueError, match="expected 2 images"):
        labelled_grid(np.zeros(shape), ["a"], ["x", "y"])
