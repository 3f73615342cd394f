"""The moving average of weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo.training.ema import MovingAverage


def linear(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def test_the_average_follows_by_the_decay() -> None:
    source = linear(0.0)
    average = MovingAverage(source, lambda _: 0.9, ramp_up=False)
    nn.init.constant_(source.weight, 1.0)
    expected = 0.0
    for step in range(1, 5):
        average.update(step, 0.0)
        expected = 0.9 * expected + 0.1
        assert average.network.weight.item() == pytest.approx(expected)
    assert source.weight.item() == 1.0


def test_ramp_up_forgets_the_first_weights() -> None:
    source = linear(0.0)
    average = MovingAverage(source, lambda _: 0.999, ramp_up=True)
    nn.init.constant_(source.weight, 1.0)
    average.update(1, 0.0)
    assert average.network.weight.item() == pytest.approx(1 - 2 / 11)


def test_the_decay_may_change_with_progress() -> None:
    source = linear(0.0)
    average = MovingAverage(source, lambda progress: 1 - progress, ramp_up=False)
    nn.init.constant_(source.weight, 1.0)
    average.update(1, 0.0)
    assert average.network.weight.item() == 0.0
    average.update(2, 1.0)
    assert average.network.weight.item() == 1.0


def test_buffers_are_copied_and_the_copy_is_no_part_of_training() -> None:
    source = nn.BatchNorm1d(3)
    average = MovingAverage(source, lambda _: 0.999, ramp_up=False)
    source(torch.randn(8, 3) + 5)
    average.update(1, 0.0)
    assert torch.equal(average.network.running_mean, source.running_mean)
    assert int(average.network.num_batches_tracked) == 1
    assert not average.network.training
    assert not any(each.requires_grad for each in average.network.parameters())


def test_spectral_norm_holds_for_averaged_weights() -> None:
    torch.manual_seed(0)
    source = nn.utils.parametrizations.spectral_norm(nn.Linear(12, 12))
    average = MovingAverage(source, lambda _: 0.9, ramp_up=False)
    other = torch.randn(12, 12)
    for step in range(1, 61):
        with torch.no_grad():
            source.parametrizations.weight.original.lerp_(other, 0.05)
        source(torch.randn(1, 12))
        average.update(step, 0.0)
    vectors = average.network.parametrizations.weight[0]
    assert not torch.equal(vectors._u, source.parametrizations.weight[0]._u)
    assert torch.linalg.matrix_norm(average.network.weight, 2).item() == pytest.approx(1, abs=0.01)
    assert not any(module.training for module in average.network.modules())
