"""What a classifier says of samples: the score, balance, agreement and modes of classes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_fidelity.metric_isc import isc_features_to_metric

from ganzoo.components import Features
from ganzoo.errors import NotMeasurable


def classified(logits, labels=None):
    """Samples of these logits, without features worth a look."""
    logits = np.asarray(logits, dtype=np.float32)
    labels = None if labels is None else np.asarray(labels, dtype=np.int64)
    return Features(np.zeros((len(logits), 1)), logits, labels)


def taken_for(classes, of, labels=None):
    """Samples that a classifier of so many classes takes for these."""
    return classified(10 * np.eye(of)[np.asarray(classes)], labels)


def some_logits(seed, n=200, of=10):
    return np.random.default_rng(seed).normal(0, 3, size=(n, of)).astype(np.float32)


def published_score(logits):
    """exp(mean KL(p(y|x) ‖ p(y))), with scipy's relative entropy."""
    p = scipy.special.softmax(logits.astype(np.float64), axis=1)
    return np.exp(np.mean([scipy.stats.entropy(each, p.mean(axis=0)) for each in p]))


def test_one_split_gives_the_published_score(measure):
    logits = some_logits(0)
    score = measure("classifier_score", classified(logits), splits=1).values["classifier_score"]
    assert score == pytest.approx(published_score(logits), rel=1e-12)


def test_one_split_gives_what_torch_fidelity_gives(measure):
    logits = some_logits(0)
    expected = isc_features_to_metric(torch.from_numpy(logits), splits=1)["inception_score_mean"]
    score = measure("classifier_score", classified(logits), splits=1).values["classifier_score"]
    assert score == pytest.approx(expected, rel=1e-12)


def test_several_splits_give_about_what_torchmetrics_gives(measure):
    """Both draw splits at random, from generators of their own."""
    from torchmetrics.image.inception import InceptionScore

    logits = some_logits(0, n=5000)
    with pytest.warns(UserWarning, match="save all extracted features"):
        theirs = InceptionScore(torch.nn.Identity(), splits=10)
    theirs.update(torch.from_numpy(logits).double())
    ours = measure("classifier_score", classified(logits))
    assert ours.values["classifier_score"] == pytest.approx(float(theirs.compute()[0]), rel=5e-3)
    assert 0 < ours.details["std_over_splits"] < 0.2


@pytest.mark.parametrize("splits", [1, 10])
def test_the_score_reaches_from_one_to_the_number_of_classes(measure, splits):
    def score(samples):
        return measure("classifier_score", samples, splits=splits).values["classifier_score"]

    assert score(classified(np.zeros((200, 10)))) == pytest.approx(1)  # never sure
    assert score(taken_for([3] * 200, 10)) == pytest.approx(1)  # always the same class
    sure = classified(1e4 * np.eye(10)[np.arange(20_000) % 10])
    assert score(sure) == pytest.approx(10, rel=0.01)  # sure, and of each class as often


def test_a_probability_that_underflows_is_nought(measure):
    """In 64 bits exp(-2000) is 0, and 0·log 0 counts nothing."""
    logits = [[0, -2000, -2000], [0, -2000, -2000], [-2000, 0, -2000], [-2000, 0, -2000]]
    found = measure("classifier_score", classified(logits), splits=1)
    assert found.values["classifier_score"] == pytest.approx(2)


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50))
def test_order_and_shared_logits_do_not_matter_to_one_split(measure, seed, offset):
    logits = some_logits(seed, n=30).astype(np.float64)
    again = np.random.default_rng(seed).permutation(logits) + offset

    def score(of):
        samples = Features(np.zeros((30, 1)), of)
        return measure("classifier_score", samples, splits=1).values["classifier_score"]

    assert score(again) == pytest.approx(score(logits), rel=1e-9)


def test_samples_in_the_order_of_their_classes_are_mixed(measure):
    samples = taken_for(np.repeat(np.arange(10), 100), 10)
    assert measure("classifier_score", samples).values["classifier_score"] > 9


def test_the_score_needs_two_samples_a_split(measure):
    with pytest.raises(NotMeasurable, match="needs 20 generated samples or more, and has 19"):
        measure("classifier_score", classified(some_logits(0, n=19)))


@pytest.mark.parametrize("name", ["classifier_score", "class_balance", "class_modes"])
def test_features_without_logits_are_refused(measure, metric, name):
    assert metric(name).needs_logits
    with pytest.raises(NotMeasurable, match="no class logits"):
        measure(name, np.zeros((30, 3)))


@pytest.mark.parametrize("name", ["classifier_score", "class_balance", "class_modes"])
def test_logits_that_are_not_finite_are_refused(measure, name):
    logits = some_logits(0)
    logits[3, 1] = np.nan
    with pytest.raises(NotMeasurable, match="logits of 1 of 200 generated samples are not finite"):
        measure(name, classified(logits), classified(some_logits(1)))


def test_the_divergence_of_classes_is_their_relative_entropy(measure):
    generated, reference = [0, 0, 0, 1], [0, 1, 2, 2]
    found = measure("class_balance", taken_for(generated, 3), taken_for(reference, 3))
    expected = scipy.stats.entropy([3 / 4, 1 / 4, 0], [1 / 4, 1 / 4, 2 / 4])
    assert found.values["class_kl"] == pytest.approx(expected, rel=1e-12)
    assert found.values["classes"] == 2
    assert found.details == {"generated": [3, 1, 0], "reference": [1, 1, 2]}


def test_equal_frequencies_have_no_divergence(measure):
    found = measure("class_balance", taken_for([0, 1, 2] * 7, 3), taken_for([2, 1, 0] * 50, 3))
    assert found.values["class_kl"] == pytest.approx(0, abs=1e-15)


def test_a_class_that_reference_lacks_has_no_divergence_and_a_reason(measure):
    with pytest.raises(
        NotMeasurable,
        match="class 2 is predicted for generated samples but for no reference sample",
    ):
        measure("class_balance", taken_for([0, 2], 3), taken_for([0, 1], 3))


def test_agreement_is_the_share_of_samples_of_the_class_asked_for(measure):
    generated = taken_for([0, 1, 2, 2], 3, labels=[0, 1, 1, 0])
    reference = taken_for([0, 1, 2, 2], 3, labels=[0, 1, 2, 0])
    found = measure("class_agreement", generated, reference)
    assert found.values == {"class_agreement": 0.5}
    assert found.details == {"reference": 0.75}
    assert measure("class_agreement", generated, taken_for([0], 3)).details == {}


def test_agreement_needs_labels_that_the_extractor_knows(measure):
    with pytest.raises(NotMeasurable, match="no classes that were asked for"):
        measure("class_agreement", taken_for([0, 1], 3))
    with pytest.raises(
        NotMeasurable, match="from 0 to 3, and the extractor knows the classes 0 to 2"
    ):
        measure("class_agreement", taken_for([0, 1], 3, labels=[0, 3]))
