"""Modes of known mixtures: the ring and the grid of the literature, and hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from ganzoo_mixtures.datasets import Ring
from ganzoo_mixtures.modes import Modes

from ganzoo.components import Features, MetricInputs, Mixture, Points
from ganzoo.errors import NotMeasurable, SpecError
from ganzoo.evaluation.request import EvaluationRequest

ANGLES = 2 * np.pi * np.arange(8) / 8
RING = Mixture(tuple(zip(np.cos(ANGLES), np.sin(ANGLES), strict=True)), 0.01)
GRID = Mixture(tuple((float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)), 0.05)
LINE = Mixture(((0.0,), (10.0,)), 1.0)


def measure(points, mixture=None, **parameters):
    samples = Features(points)
    return Modes(**parameters).build()(MetricInputs(samples, samples, mixture=mixture))


def draw(mixture, n, seed=0, modes=None):
    rng = np.random.default_rng(seed)
    centers = np.array(mixture.centers)[:modes]
    chosen = centers[rng.integers(len(centers), size=n)]
    return chosen + rng.normal(0, mixture.std, size=chosen.shape)


@pytest.mark.parametrize(("mixture", "modes"), [(RING, 8), (GRID, 25)], ids=["ring", "grid"])
def test_a_perfect_sampler_finds_all_modes(mixture, modes):
    """In a plane 1 - exp(-9 / 2) = 98.9 % of a Gaussian are within three standard deviations."""
    found = measure(draw(mixture, 2500), mixture=mixture)
    assert found.values["modes"] == found.details["of"] == modes
    assert found.values["high_quality"] == pytest.approx(0.989, abs=0.006)
    many = measure(draw(mixture, 50_000), mixture=mixture)
    assert many.values["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.0015)


def test_dropped_modes_are_missed_and_the_rest_is_as_good():
    found = measure(draw(GRID, 2500, modes=17), mixture=GRID)
    assert found.values["modes"] == 17
    assert found.values["high_quality"] == pytest.approx(0.989, abs=0.006)
    assert [count > 0 for count in found.details["samples_per_mode"]] == [True] * 17 + [False] * 8


def test_a_generator_between_modes_finds_none():
    found = measure(np.zeros((50, 2)), mixture=RING)
    assert found.values == {"modes": 0, "high_quality": 0}


def test_a_mode_is_found_by_one_sample_of_high_quality():
    points = np.array([[2.9], [3.1], [6.9], [13.0]])
    found = measure(points, mixture=LINE)
    assert found.values == {"modes": 2, "high_quality": 0.5}
    assert found.details["samples_per_mode"] == [1, 1]
    assert measure(points, mixture=LINE, within=2.0).values["modes"] == 0


def test_a_mode_may_be_asked_for_more_samples():
    points = np.array([[0.0], [1.0], [9.5], [10.0], [10.5]])
    assert measure(points, mixture=LINE, least=3).values["modes"] == 1
    assert measure(points, mixture=LINE, least=2).values["modes"] == 2


def test_other_features_than_points_are_refused():
    with pytest.raises(NotMeasurable, match=r"the mixture has 2 dimensions .* have 3 features"):
        measure(np.zeros((5, 3)), mixture=RING)


def test_data_of_no_known_mixture_have_no_modes():
    with pytest.raises(NotMeasurable, match="not a known mixture"):
        measure(np.zeros((5, 2)))


def test_no_samples_have_no_quality():
    with pytest.raises(NotMeasurable, match="needs 1 generated samples or more, and has 0"):
        measure(np.zeros((0, 2)), mixture=RING)


def test_points_of_mixtures_are_evaluated_by_their_modes_unless_a_spec_says_otherwise():
    metrics, extractor = EvaluationRequest().chosen(Points(2), Ring())
    assert [each.type for each in metrics] == ["modes", "fd"]
    assert extractor.type == "identity"


def test_a_default_metric_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(Ring, "default_metrics", ("modez",))
    with pytest.raises(SpecError, match=r"evaluation\.metrics\.0: no metric is called 'modez'"):
        EvaluationRequest().chosen(Points(2), Ring())
