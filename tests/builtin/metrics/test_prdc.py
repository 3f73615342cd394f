"""Precision, recall, density and coverage, against brute force and what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ganzoo.builtin.metrics import neighbours
from ganzoo.errors import NotMeasurable


def draw(seed, n, d=8, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, size=(n, d))


def brute_force(x, y, k):
    """All four from their definitions, one pair of samples at a time."""

    def radius(among, i):
        return sorted(cdist(among[i : i + 1], np.delete(among, i, axis=0))[0])[k - 1]

    apart = cdist(x, y)
    of_x = [radius(x, i) for i in range(len(x))]
    of_y = [radius(y, j) for j in range(len(y))]
    pairs = [(i, j) for i in range(len(x)) for j in range(len(y))]
    in_real = [(i, j) for i, j in pairs if apart[i, j] <= of_y[j]]
    in_made = [(i, j) for i, j in pairs if apart[i, j] <= of_x[i]]
    return {
        "precision": len({i for i, _ in in_real}) / len(x),
        "recall": len({j for _, j in in_made}) / len(y),
        "density": len(in_real) / (k * len(x)),
        "coverage": len({j for _, j in in_real}) / len(y),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("block", [neighbours.BLOCK, 500, 1])
def test_brute_force_gives_the_same(measure, k, shift, block, monkeypatch):
    monkeypatch.setattr(neighbours.squared_distances, "__defaults__", (block,))
    x, y = draw(0, 60, d=3, shift=shift), draw(1, 80, d=3, scale=1.5, shift=shift)
    values = measure("prdc", x, y, k=k).values
    assert values == pytest.approx(brute_force(x, y, k), rel=1e-12)
    assert 0 < values["coverage"] < 1


def test_coverage_of_equal_distributions_is_as_expected(measure):
    """Naeem et al. 2020: 1 - ∏ (N - i) / (N + M - i), i from 1 to k."""
    n = m = 500
    expected = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, 6)])
    found = [
        measure("prdc", draw(2 * seed, m, d=16), draw(2 * seed + 1, n, d=16)).values
        for seed in range(4)
    ]
    assert np.mean([values["coverage"] for values in found]) == pytest.approx(expected, abs=0.01)
    assert np.mean([values["density"] for values in found]) == pytest.approx(1, abs=0.1)


def test_a_collapsed_generator_is_precise_and_recalls_nothing(measure):
    reference = draw(0, 500)
    generated = reference[7] + draw(1, 500, scale=1e-3)
    values = measure("prdc", generated, reference).values
    assert values["precision"] == 1
    assert values["recall"] <= 1 / 500
    assert values["coverage"] < 0.1


def test_a_generator_of_noise_is_neither(measure):
    values = measure("prdc", draw(0, 300, shift=100), draw(1, 300)).values
    assert values == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_a_dropped_mode_costs_recall_and_coverage_and_no_precision(measure):
    rng = np.random.default_rng(0)
    centers = np.array([[-20.0] * 8, [20.0] * 8])
    reference = centers[rng.integers(2, size=600)] + draw(1, 600)
    half = measure("prdc", centers[0] + draw(2, 600), reference).values
    whole = measure("prdc", centers[rng.integers(2, size=600)] + draw(2, 600), reference).values
    assert half["precision"] == pytest.approx(whole["precision"], abs=0.1)
    assert half["recall"] == pytest.approx(whole["recall"] / 2, abs=0.1)
    assert half["coverage"] == pytest.approx(whole["coverage"] / 2, abs=0.1)


@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.integers(-8, 8))
def test_order_offsets_and_scales_do_not_matter(measure, seed, offset, power):
    rng = np.random.default_rng(seed)
    x, y = draw(seed, 20, d=4), draw(seed + 1, 25, d=4, scale=2)
    values = measure("prdc", x, y).values
    scale = 2.0**power
    again = measure(
        "prdc", scale * (rng.permutation(x) + offset), scale * (rng.permutation(y) + offset)
    )
    assert again.values == pytest.approx(values)


def test_the_surface_of_a_ball_belongs_to_it(measure):
    """Real 0, 1, 5 with k = 1 have radii 1, 1 and 4: 9 is on a surface, 9.1 in no ball."""
    reference = np.array([[0.0], [1.0], [5.0]])
    assert measure("prdc", np.array([[9.0], [9.1]]), reference, k=1).values["precision"] == 0.5


def test_equal_samples_are_at_no_distance(measure):
    """Balls of samples that occur k + 1 times are points, which hold their copies still."""
    reference = np.repeat(draw(0, 30, d=100, shift=50), 6, axis=0)
    values = measure("prdc", reference[::6] + 0, reference, k=5).values
    assert values["precision"] == 1
    assert values["coverage"] == 1


def test_constant_features_are_all_the_same(measure):
    values = measure("prdc", np.ones((20, 3)), np.ones((20, 3)), k=5).values
    assert values == {"precision": 1, "recall": 1, "density": 4, "coverage": 1}


def test_of_many_samples_some_are_drawn_whatever_their_order(measure):
    """Images in folders are sorted by class: the first of them would be of few classes."""
    classes = 20 * np.repeat(np.arange(5), 200)[:, None]
    x, y = draw(0, 1000) + classes, draw(1, 1000) + classes
    found = measure("prdc", x, y, max_samples=500)
    assert found.details == {"generated": 500, "reference": 500}
    assert found.values == measure("prdc", x, y, max_samples=500).values
    whole = measure("prdc", x, y).values
    shuffled = np.random.default_rng(0).permutation(1000)
    assert measure("prdc", x, y[shuffled], max_samples=500).values["recall"] == pytest.approx(
        found.values["recall"], abs=0.06
    )
    for name, value in found.values.items():
        assert value == pytest.approx(whole[name], abs=0.08)


@pytest.mark.parametrize(("generated", "reference"), [(5, 10), (10, 5)])
def test_a_ball_needs_neighbours(measure, generated, reference):
    with pytest.raises(NotMeasurable, match=r"needs 6 \w+ samples or more, and has 5"):
        measure("prdc", draw(0, generated), draw(1, reference))


def test_distances_keep_their_digits_far_from_zero():
    """Single features of 1e4 leave the distances of near neighbours as they are."""
    x, y = draw(0, 50, shift=1e4), draw(1, 60, shift=1e4)
    which, distance = neighbours.nearest(x, y)
    expected = cdist(x, y)
    assert which.tolist() == expected.argmin(axis=1).tolist()
    assert distance == pytest.approx(expected.min(axis=1), rel=1e-9)
