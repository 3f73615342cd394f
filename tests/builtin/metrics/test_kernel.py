"""The kernel distance, against its formula in numpy and another program."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_fidelity.metric_kid import kid_features_to_metric

from ganzoo.errors import NotMeasurable
from ganzoo.utils.seeds import derive_seed


def draw(seed, n, d=16, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, size=(n, d))


def mmd(x, y, degree=3, gamma=None, coef=1.0):
    """Unbiased squared MMD, term by term: Bińkowski et al. 2018, eq. 4."""
    gamma = gamma or 1 / x.shape[1]

    def kernel(a, b):
        return (gamma * a @ b.T + coef) ** degree

    n, m = len(x), len(y)
    among_x = kernel(x, x)[~np.eye(n, dtype=bool)].sum() / (n * (n - 1))
    among_y = kernel(y, y)[~np.eye(m, dtype=bool)].sum() / (m * (m - 1))
    return among_x + among_y - 2 * kernel(x, y).mean()


def torch_fidelity(x, y, subsets, size):
    found = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=subsets,
        kid_subset_size=size,
        verbose=False,
    )
    return found["kernel_inception_distance_mean"]


@pytest.mark.parametrize(
    "kernel", [{}, {"degree": 2, "gamma": 0.5, "coef": 2.0}], ids=["published", "another kernel"]
)
def test_whole_sets_give_the_formula(measure, kernel):
    x, y = draw(0, 200), draw(1, 200, shift=0.2)
    found = measure("kd", x, y, **kernel)
    assert found.values["kd"] == pytest.approx(mmd(x, y, **kernel), rel=1e-12)
    assert found.details == {"subsets": 1, "subset_size": 200, "std_over_subsets": 0}


def test_whole_sets_give_what_torch_fidelity_gives(measure):
    x, y = draw(0, 200), draw(1, 200, shift=0.2)
    expected = torch_fidelity(x, y, subsets=1, size=200)
    assert measure("kd", x, y).values["kd"] == pytest.approx(expected, rel=1e-12)


def test_the_same_subsets_give_the_mean_of_the_formula(measure):
    """Torchmetrics draws a permutation of the reference, then one of the generated, a subset."""
    x, y = draw(0, 90), draw(1, 120, shift=0.2)
    rng = torch.Generator().manual_seed(derive_seed(5, "kernel distance"))
    values = []
    for _ in range(7):
        of_y = torch.randperm(120, generator=rng)[:50].numpy()
        of_x = torch.randperm(90, generator=rng)[:50].numpy()
        values.append(mmd(x[of_x], y[of_y]))
    found = measure("kd", x, y, subsets=7, subset_size=50, seed=5)
    assert found.values["kd"] == pytest.approx(np.mean(values), rel=1e-12)
    assert found.details["std_over_subsets"] == pytest.approx(np.std(values), rel=1e-9)


def test_random_subsets_give_what_torch_fidelity_gives_on_average(measure):
    x, y = draw(0, 300), draw(1, 300, shift=0.3)
    ours = measure("kd", x, y, subsets=200, subset_size=150)
    error = ours.details["std_over_subsets"] * np.sqrt(2 / 200)
    theirs = torch_fidelity(x, y, subsets=200, size=150)
    assert ours.values["kd"] == pytest.approx(theirs, abs=3 * error)
    assert error < 0.05 * theirs


def test_subsets_are_no_larger_than_the_smaller_set(measure):
    found = measure("kd", draw(0, 60), draw(1, 500), subsets=3)
    assert found.details["subset_size"] == 60
    assert found.details["subsets"] == 3


def test_it_is_without_bias(measure):
    """Of equal distributions, values for independent sets are on both sides of 0."""
    values = [
        measure("kd", draw(2 * seed, 50), draw(2 * seed + 1, 50)).values["kd"] for seed in range(40)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0 < max(values)


@given(st.integers(0, 2**32 - 1))
def test_order_does_not_matter_where_all_samples_count(measure, seed):
    rng = np.random.default_rng(seed)
    x, y = draw(seed, 30, d=4), draw(seed + 1, 30, d=4, shift=1)
    kd = measure("kd", x, y).values["kd"]
    again = measure("kd", rng.permutation(x), rng.permutation(y)).values["kd"]
    assert again == pytest.approx(kd, rel=1e-10)
    assert measure("kd", y, x).values["kd"] == pytest.approx(kd, rel=1e-10)  # symmetric


def test_more_noise_is_farther(measure):
    reference, generated = draw(0, 500), draw(1, 500)
    levels = [generated + draw(2, 500, scale=level) for level in (0, 0.5, 1, 2)]
    distances = [measure("kd", level, reference).values["kd"] for level in levels]
    assert distances == sorted(distances)


def test_the_seed_decides_and_nothing_else(measure):
    x, y = draw(0, 90), draw(1, 120)
    first = measure("kd", x, y, subsets=3, subset_size=50, seed=1)
    torch.manual_seed(7)
    assert measure("kd", x, y, subsets=3, subset_size=50, seed=1) == first
    assert measure("kd", x, y, subsets=3, subset_size=50, seed=2) != first


def test_constant_features_have_a_value(measure):
    """k(0, 0) = 1, k(1, 1) = 8 and k(0, 1) = 1, for one-dimensional features 0 and 1."""
    assert measure("kd", np.ones((5, 1)), np.zeros((5, 1))).values["kd"] == pytest.approx(7)


def test_features_too_large_for_the_kernel_give_no_number(measure):
    with pytest.raises(NotMeasurable, match="kd overflows"):
        measure("kd", np.full((5, 2), 1e55), np.full((5, 2), -1e55))


def test_one_sample_is_not_enough(measure):
    with pytest.raises(NotMeasurable, match="needs 2 generated samples"):
        measure("kd", draw(0, 1), draw(1, 10))
