"""The modes of classes: of a perfect generator of stacked digits, and of a collapsed one."""

from __future__ import annotations

import numpy as np
import pytest
from ganzoo_digits.modes import ClassModes

from ganzoo.components import Features, MetricInputs


def measure(samples):
    return ClassModes().build()(MetricInputs(samples, samples))


def test_a_perfect_generator_of_stacked_digits_finds_all_modes():
    """26,000 samples over 1,000 modes: the divergence is about (K - 1) / (2 n) = 0.019."""
    modes = np.random.default_rng(0).integers(1000, size=26_000)
    predicted = np.zeros((26_000, 1000), dtype=np.float16)  # to take little memory
    predicted[np.arange(26_000), modes] = 1
    found = measure(Features(np.zeros((26_000, 1)), predicted))
    assert found.values["modes"] == 1000
    assert found.values["mode_kl"] == pytest.approx(0.0193, abs=0.0026)  # 3 deviations


def test_a_collapsed_generator_finds_one_mode():
    found = measure(Features(np.zeros((30, 1)), 10 * np.eye(10)[[4] * 30]))
    assert found.values == {"modes": 1, "mode_kl": pytest.approx(np.log(10))}
    assert found.details == {"of": 10}
