"""Finding what looks the same, against comparing every pair."""

from __future__ import annotations

import numpy as np
import pytest
from ganzoo_inspect import duplicates
from ganzoo_inspect.duplicates import ALIKE, SIDE, alike_groups, equal_groups


def marks(count: int, seed: int = 0) -> duplicates.Marks:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4))
    return np.kron(coarse, np.ones((4, 4), int)).reshape(count, SIDE * SIDE).astype(np.uint8)


def noisy(images: duplicates.Marks, seed: int = 1) -> duplicates.Marks:
    noise = np.random.default_rng(seed).integers(-3, 4, images.shape)
    changed: duplicates.Marks = (images.astype(int) + noise).clip(0, 255).astype(np.uint8)
    return changed


@pytest.mark.parametrize(("block", "reach"), [(512, 8192), (7, 5)])
def test_what_is_found_is_what_comparing_every_pair_finds(
    block: int, reach: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", block)
    monkeypatch.setattr(duplicates, "REACH", reach)
    images = marks(90)
    images[50:70] = noisy(images[:20])
    images[80] = noisy(images[3:4], 5)[0]
    found = alike_groups(images, np.arange(90))
    correlation = np.corrcoef(images.astype(float))
    pairs = {(i, j) for i, j in np.argwhere(correlation >= ALIKE).tolist() if i < j}
    assert {(i, j) for group in found for i in group for j in group if i < j} == pairs
    assert [3, 53, 80] in found


def test_brightness_and_contrast_do_not_matter_but_even_images_are_left_out() -> None:
    images = marks(6)
    images[4] = images[1] // 2 + 60
    images[[2, 3]] = 128
    assert alike_groups(images, np.arange(6)) == [[1, 4]]
    assert alike_groups(images, np.array([0, 1, 2, 5])) == []


def test_many_of_the_same_are_one_group() -> None:
    images = noisy(np.repeat(marks(1), 3000, axis=0))
    (group,) = alike_groups(images, np.arange(3000))
    assert group == list(range(3000))


def test_equal_digests_are_grouped_in_order() -> None:
    digests = np.array([[1, 2], [3, 4], [1, 2], [5, 6], [3, 4], [1, 2]], dtype=np.uint8)
    assert equal_groups(digests) == [[0, 2, 5], [1, 4]]
