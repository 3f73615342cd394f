"""The Fréchet distance, against other programs, closed forms, and what must hold of any distance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_fid import fid_statistics_to_metric

from ganzoo.errors import NotMeasurable


def draw(seed, n, d=8, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, size=(n, d))


def correlated(seed, n, d=64):
    mixing = np.random.default_rng(99).normal(size=(d, d)) / 8
    return draw(seed, n, d) @ mixing + 0.1


def by_sqrtm(x, y):
    """The published form: tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), by a Schur decomposition."""
    apart, a, b = x.mean(0) - y.mean(0), np.cov(x.T), np.cov(y.T)
    return apart @ apart + np.trace(a) + np.trace(b) - 2 * np.trace(scipy.linalg.sqrtm(a @ b)).real


def by_eigh(x, y):
    """With symmetric matrices only: (Σ₁Σ₂)^½ has the trace of (Σ₁^½ Σ₂ Σ₁^½)^½."""
    apart, a, b = x.mean(0) - y.mean(0), np.cov(x.T), np.cov(y.T)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    roots = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0))
    return apart @ apart + np.trace(a) + np.trace(b) - 2 * roots.sum()


def by_torch_fidelity(x, y):
    first = {"mu": x.mean(0), "sigma": np.cov(x.T)}
    second = {"mu": y.mean(0), "sigma": np.cov(y.T)}
    return fid_statistics_to_metric(first, second, verbose=False)["frechet_inception_distance"]


FORMS = pytest.mark.parametrize("form", [by_sqrtm, by_eigh, by_torch_fidelity])


@FORMS
@pytest.mark.parametrize("offset", [0.0, 1000.0], ids=["centred", "far from zero"])
def test_other_forms_give_the_same(measure, form, offset):
    x, y = correlated(0, 2000) + offset, draw(1, 2000, 64) + offset
    assert measure("fd", x, y).values["fd"] == pytest.approx(form(x, y), rel=1e-11)


@FORMS
def test_features_of_single_precision_lose_little(measure, form):
    x, y = correlated(0, 2000), draw(1, 2000, 64)
    rounded = measure("fd", x.astype(np.float32), y.astype(np.float32))
    assert rounded.values["fd"] == pytest.approx(form(x, y), rel=1e-7)


@FORMS
def test_fewer_samples_than_features_are_no_obstacle(measure, form):
    x, y = correlated(0, 40), draw(1, 2000, 64)
    assert measure("fd", x, y).values["fd"] == pytest.approx(form(x, y), rel=1e-6)


def test_of_equal_covariances_the_distance_of_means_is_left(measure):
    x, shift = draw(0, 300), np.arange(8.0)
    assert measure("fd", x + shift, x).values["fd"] == pytest.approx(shift @ shift, rel=1e-10)


def test_of_equal_means_and_directions_the_distance_of_deviations_is_left(measure):
    x = draw(0, 300) - draw(0, 300).mean(0)
    expected = np.trace(np.cov(x.T)) * (3 - 1) ** 2
    assert measure("fd", 3 * x, x).values["fd"] == pytest.approx(expected, rel=1e-10)


def test_a_set_is_at_no_distance_from_itself(measure):
    x = draw(0, 300, d=64)
    assert 0 <= measure("fd", x, x[::-1]).values["fd"] < 1e-9


def test_constant_features_have_means_only(measure):
    assert measure("fd", np.ones((5, 3)), np.zeros((7, 3))).values["fd"] == pytest.approx(3)


def test_the_bias_is_the_one_that_is_documented(measure):
    """64 features of variance 1: the description says about 1.2 with 1,000 generated samples."""
    found = [
        measure("fd", draw(seed, 1000, 64), draw(seed + 50, 10_000, 64)).values["fd"]
        for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(1.2, abs=0.05)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3), st.integers(-8, 8), st.integers(2, 30))
def test_order_and_shared_offsets_do_not_matter_and_scales_count_squared(
    measure, seed, offset, power, n
):
    rng = np.random.default_rng(seed)
    x, y = draw(seed, n, d=4), draw(seed + 1, 40, d=4, scale=2)
    fd = measure("fd", x, y).values["fd"]
    again = measure("fd", rng.permutation(x) + offset, rng.permutation(y) + offset).values["fd"]
    assert again == pytest.approx(fd, rel=1e-6)
    scale = 2.0**power
    assert measure("fd", scale * x, scale * y).values["fd"] == pytest.approx(
        scale**2 * fd, rel=1e-9
    )
    assert measure("fd", y, x).values["fd"] == pytest.approx(fd, rel=1e-6)  # symmetric


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_rotations_do_not_matter(measure, seed):
    rotation = scipy.linalg.qr(draw(seed, 5, d=5))[0]
    x, y = draw(seed + 1, 50, d=5), draw(seed + 2, 60, d=5, shift=1)
    fd = measure("fd", x, y).values["fd"]
    assert measure("fd", x @ rotation, y @ rotation).values["fd"] == pytest.approx(fd, rel=1e-9)


def test_more_noise_is_farther(measure):
    reference, generated = draw(0, 1000), draw(1, 1000)
    levels = [generated + draw(2, 1000, scale=level) for level in (0, 0.5, 1, 2)]
    distances = [measure("fd", level, reference).values["fd"] for level in levels]
    assert distances == sorted(distances)
    assert distances[-1] > 10 * distances[0]


def test_each_dropped_mode_is_farther(measure):
    """A mixture of four, of which a generator makes four, three, two and one."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 5, size=(4, 8))
    reference = centers[rng.integers(4, size=2000)] + draw(1, 2000)
    distances = [
        measure("fd", centers[rng.integers(kept, size=2000)] + draw(2, 2000), reference).values[
            "fd"
        ]
        for kept in (4, 3, 2, 1)
    ]
    assert distances == sorted(distances)


@pytest.mark.parametrize(("generated", "reference"), [(1, 10), (10, 1), (0, 10)])
def test_one_sample_has_no_covariance(measure, generated, reference):
    with pytest.raises(NotMeasurable, match=f"needs 2 .* has {min(generated, reference)}"):
        measure("fd", draw(0, generated), draw(1, reference))


def test_memory_mapped_features_are_read_in_parts(measure, monkeypatch):
    from ganzoo.builtin.metrics import frechet

    x, y = draw(0, 300), draw(1, 200)
    fd = measure("fd", x, y).values["fd"]
    for array in (x, y):
        array.flags.writeable = False
    monkeypatch.setattr(frechet, "ROWS", 7)
    assert measure("fd", x, y).values["fd"] == pytest.approx(fd, rel=1e-12)


def test_extrapolation_takes_most_of_the_bias_away(measure):
    generated, reference = draw(0, 640, d=32), draw(1, 20_000, d=32)
    fd = measure("fd", generated, reference).values["fd"]
    found = measure("fd_infinity", generated, reference)
    assert abs(found.values["fd_infinity"]) < fd / 8
    assert found.details["r_squared"] > 0.95


def test_extrapolation_keeps_a_true_distance(measure):
    generated, reference = draw(0, 1000, shift=0.5), draw(1, 20_000)
    apart = generated.mean(0) - reference.mean(0)
    found = measure("fd_infinity", generated, reference).values["fd_infinity"]
    assert found == pytest.approx(apart @ apart, rel=0.1)


def test_extrapolation_tells_sizes_and_values(measure):
    generated, reference = draw(0, 1000), draw(1, 500)
    found = measure("fd_infinity", generated, reference, points=4)
    assert found.details["sizes"] == [100, 400, 700, 1000]
    fd = measure("fd", generated, reference).values["fd"]
    assert found.details["values"][-1] == pytest.approx(fd, rel=1e-9)
    line = np.polyfit(1 / np.array(found.details["sizes"]), found.details["values"], 1)
    assert found.values["fd_infinity"] == pytest.approx(line[1], rel=1e-9)


def test_extrapolation_begins_at_two_samples_a_feature(measure):
    found = measure("fd_infinity", draw(0, 160, d=16), draw(1, 200, d=16), points=3)
    assert found.details["sizes"] == [32, 96, 160]


@pytest.mark.parametrize(("width", "least"), [(64, 256), (2, 150)])
def test_extrapolation_needs_enough_for_a_line(measure, width, least):
    reference = draw(1, 300, d=width)
    with pytest.raises(NotMeasurable, match=f"need {least} generated samples .* {least - 1}"):
        measure("fd_infinity", draw(0, least - 1, d=width), reference)
    assert measure("fd_infinity", draw(0, least, d=width), reference).values


def test_extrapolation_of_constant_features_is_level(measure):
    found = measure("fd_infinity", np.ones((200, 2)), np.zeros((50, 2)))
    assert found.values["fd_infinity"] == pytest.approx(2)
    assert found.details["r_squared"] is None
