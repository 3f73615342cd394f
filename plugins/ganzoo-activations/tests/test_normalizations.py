"""Layers that normalize activations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Normalization

NAMES = ["batch", "layer", "instance", "group"]

OVER = {
    ("batch", 2): (0, 2, 3),
    ("batch", 0): (0,),
    ("layer", 2): (1, 2, 3),
    ("layer", 0): (1,),
    ("instance", 2): (2, 3),
}
"""The axes over which each layer takes mean and variance."""


def normalization(data: object) -> Any:
    return TypeAdapter(Normalization).validate_python(data)


def values(dimensions: int, channels: int = 16) -> torch.Tensor:
    """Some activations whose samples, channels and places all differ."""
    shape = (6, channels, 5, 5) if dimensions == 2 else (6, channels)
    rng = torch.Generator().manual_seed(0)
    scales = torch.rand(shape, generator=rng, dtype=torch.float64).cumsum(0).cumsum(1)
    return scales * torch.randn(shape, generator=rng, dtype=torch.float64) + scales


def assert_standard(x: torch.Tensor, axes: tuple[int, ...]) -> None:
    torch.testing.assert_close(x.mean(axes), torch.zeros_like(x.mean(axes)), atol=1e-9, rtol=0)
    spread = x.var(axes, unbiased=False)
    torch.testing.assert_close(spread, torch.ones_like(spread), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("name", "dimensions"), OVER)
def test_mean_and_variance_are_taken_over_the_right_axes(name: str, dimensions: int) -> None:
    spec = normalization(name)
    spec.check(16, dimensions)
    x = values(dimensions)
    y = spec.build(16, dimensions).double()(x)
    assert y.shape == x.shape
    axes = OVER[name, dimensions]
    assert_standard(y, axes)
    for other in range(x.dim()):
        if other not in axes:
            assert y.mean(other).abs().max() > 1e-2, "and over no others"


@pytest.mark.parametrize("dimensions", [0, 2])
def test_groups_of_channels_are_normalized_each_by_itself(dimensions: int) -> None:
    spec = normalization({"type": "group", "groups": 4})
    spec.check(16, dimensions)
    y = spec.build(16, dimensions).double()(values(dimensions))
    assert_standard(y.reshape(6, 4, -1), (2,))


@pytest.mark.parametrize("dimensions", [0, 2])
def test_none_changes_nothing(dimensions: int) -> None:
    x = values(dimensions)
    layer = normalization("none").build(16, dimensions)
    assert torch.equal(layer(x), x)
    assert list(layer.parameters()) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_channel_has_a_learned_scale_and_shift(name: str) -> None:
    shapes = [tuple(each.shape) for each in normalization(name).build(16, 2).parameters()]
    assert shapes == [(16,), (16,)]


@pytest.mark.parametrize(("name", "dimensions"), [("none", 0), ("none", 2), ("group", 2), *OVER])
def test_a_layer_says_rightly_whether_samples_of_a_batch_influence_each_other(
    name: str, dimensions: int
) -> None:
    spec, x = normalization(name), values(dimensions)
    layer = spec.build(16, dimensions).double()
    changed = x.clone()
    changed[1:] *= 2
    assert torch.equal(layer(x)[0], layer(changed)[0]) != spec.couples_batch


def test_batch_norm_keeps_running_statistics_for_evaluation() -> None:
    layer = normalization({"type": "batch", "momentum": 0.25}).build(16, 0).double()
    x = values(0)
    layer(x)
    torch.testing.assert_close(layer.running_mean, 0.25 * x.mean(0))
    layer.eval()
    assert torch.equal(layer(x)[:1], layer(x[:1]))


@pytest.mark.parametrize("name", NAMES)
def test_eps_is_the_spec_s(name: str) -> None:
    layer = normalization({"type": name, "eps": 1e6}).build(16, 2).double()
    assert layer(values(2)).abs().max() < 1


@pytest.mark.parametrize(
    ("data", "channels", "dimensions", "message"),
    [
        ("instance", 16, 0, "instance norm needs images; choose 'layer' for vectors"),
        ("group", 12, 2, "12 channels cannot be divided in 8 groups"),
        ("group", 4, 2, "4 channels cannot be divided in 8 groups"),
        ("group", 8, 0, "8 groups leave a single number in each; choose fewer"),
    ],
)
def test_layers_that_cannot_be_served_are_refused_with_what_can(
    data: object, channels: int, dimensions: int, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        normalization(data).check(channels, dimensions)


def test_channels_in_as_many_groups_are_fine_in_images() -> None:
    spec = normalization("group")
    spec.check(8, 2)
    assert_standard(spec.build(8, 2).double()(values(2, channels=8)), (2, 3))


@pytest.mark.parametrize(
    "data",
    [
        {"type": "batch", "eps": 0},
        {"type": "batch", "momentum": 0},
        {"type": "batch", "momentum": 1.5},
        {"type": "group", "groups": 0},
    ],
)
def test_numbers_out_of_range_are_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        normalization(data)
