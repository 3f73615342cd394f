"""Memorization: copies are found, and what is as far from training samples as real samples is not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.builtin.metrics.neighbours import rank_test
from ganzoo.errors import NotMeasurable


def draw(seed, n, d=8, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, size=(n, d))


TRAINING, HELD_OUT = draw(0, 1000), draw(1, 1000)


def test_fresh_samples_are_no_copies(measure):
    """Means over several samplings: each one varies with the threshold it shares."""
    found = [
        measure(
            "memorization",
            draw(100 + seed, 1000),
            draw(200 + seed, 1000),
            training=draw(seed, 1000),
        ).values
        for seed in range(5)
    ]
    assert np.mean([values["copies"] for values in found]) == pytest.approx(0.01, abs=0.006)
    assert all(abs(values["data_copying"]) < 3.5 for values in found)


@pytest.mark.parametrize("change", [0.0, 0.01], ids=["exact", "nearly"])
def test_copies_are_found(measure, change):
    generated = TRAINING[:500] + draw(2, 500, scale=change) if change else TRAINING[:500] + 0
    found = measure("memorization", generated, HELD_OUT, training=TRAINING)
    assert found.values["copies"] == 1
    assert found.values["data_copying"] < -20
    assert found.details["farther_than_held_out"] < 0.01


def test_a_share_of_copies_is_that_share(measure):
    generated = np.concatenate([TRAINING[:300], draw(2, 700)])
    found = measure("memorization", generated, HELD_OUT, training=TRAINING)
    assert found.values["copies"] == pytest.approx(0.3 + 0.7 * 0.01, abs=0.01)
    assert found.values["data_copying"] < -5


def test_copies_of_few_samples_are_found_too(measure):
    generated = np.repeat(TRAINING[:1], 500, axis=0)
    found = measure("memorization", generated, HELD_OUT, training=TRAINING)
    assert found.values["copies"] == 1
    assert found.values["data_copying"] < -20


def test_samples_unlike_the_data_are_far_and_no_copies(measure):
    found = measure("memorization", draw(2, 500, scale=3), HELD_OUT, training=TRAINING)
    assert found.values["copies"] == 0
    assert found.values["data_copying"] > 20


def test_data_with_duplicates_still_tell_copies(measure):
    """More than a hundredth of the held-out samples are in the training set, as some data have it."""
    held_out = np.concatenate([TRAINING[:50], HELD_OUT[:950]])
    copies = measure("memorization", TRAINING[500:], held_out, training=TRAINING)
    assert copies.values["copies"] == 1
    fresh = measure("memorization", draw(2, 500), held_out, training=TRAINING)
    assert fresh.values["copies"] == 0


def test_without_a_held_out_split_there_is_no_baseline(measure, metric):
    assert metric("memorization").needs_training_samples
    with pytest.raises(NotMeasurable, match="no training samples apart from the reference"):
        measure("memorization", draw(2, 500), HELD_OUT)


def test_a_quantile_needs_samples_below_it(measure):
    with pytest.raises(NotMeasurable, match="needs 100 held-out samples or more, and has 99"):
        measure("memorization", draw(2, 500), HELD_OUT[:99], training=TRAINING)
    found = measure("memorization", draw(2, 500), HELD_OUT[:99], training=TRAINING, quantile=0.1)
    assert found.values["copies"] < 0.3


def test_constant_features_tell_nothing(measure):
    same = np.ones((200, 3))
    with pytest.raises(NotMeasurable, match=r"all distances .* are equal"):
        measure("memorization", same, same, training=same)


numbers = st.lists(st.integers(0, 6), min_size=8, max_size=40).map(np.array)


@given(numbers, numbers)
def test_the_rank_test_is_scipys_ties_included(x, y):
    if len(np.unique(np.concatenate([x, y]))) == 1:
        return
    z, share = rank_test(x.astype(float), y.astype(float))
    expected = scipy.stats.mannwhitneyu(
        x, y, alternative="less", method="asymptotic", use_continuity=False
    )
    assert scipy.stats.norm.cdf(z) == pytest.approx(expected.pvalue, rel=1e-9)
    assert share == pytest.approx(expected.statistic / (len(x) * len(y)))
