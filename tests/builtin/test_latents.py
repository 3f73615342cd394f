"""Distributions of latents."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Latent

N = 20_000


def latent(data: object) -> Any:
    return TypeAdapter(Latent).validate_python(data)


def draw(data: object, n: int = N, seed: int = 0) -> torch.Tensor:
    drawn: torch.Tensor = latent(data).build()(n, torch.Generator().manual_seed(seed))
    return drawn


def truncated_variance(threshold: float) -> float:
    """Variance of a standard normal cut off at a threshold, from its density and distribution."""
    density = math.exp(-(threshold**2) / 2) / math.sqrt(2 * math.pi)
    return 1 - 2 * threshold * density / math.erf(threshold / math.sqrt(2))


@pytest.mark.parametrize(
    ("data", "std"),
    [
        ({"type": "normal", "dim": 4}, 1),
        ({"type": "normal", "dim": 4, "std": 2.5}, 2.5),
        ({"type": "truncated_normal", "dim": 4}, math.sqrt(truncated_variance(2))),
        (
            {"type": "truncated_normal", "dim": 4, "threshold": 0.5, "std": 3},
            3 * math.sqrt(truncated_variance(0.5)),
        ),
        ({"type": "uniform", "dim": 4}, math.sqrt(1 / 3)),
        ({"type": "uniform", "dim": 4, "low": -3, "high": 3}, math.sqrt(3)),
    ],
)
def test_coordinates_are_independent_with_the_right_mean_and_deviation(
    data: dict[str, Any], std: float
) -> None:
    drawn = draw(data)
    assert (drawn.shape, drawn.dtype) == ((N, 4), torch.float32)
    tolerance = 5 * std / math.sqrt(N)
    assert drawn.mean(0).abs().max() < tolerance
    assert (drawn.std(0) - std).abs().max() < tolerance
    assert (torch.corrcoef(drawn.T) - torch.eye(4)).abs().max() < 5 / math.sqrt(N)


def test_normal_coordinates_are_normal() -> None:
    drawn = draw({"type": "normal", "dim": 4})
    for threshold in (0.5, 1, 2):
        inside = (drawn.abs() < threshold).float().mean().item()
        assert inside == pytest.approx(math.erf(threshold / math.sqrt(2)), abs=0.01)


@pytest.mark.parametrize("threshold", [0.1, 1, 2, 10])
def test_truncated_coordinates_stay_within_the_threshold_and_reach_it(threshold: float) -> None:
    drawn = draw({"type": "truncated_normal", "dim": 8, "threshold": threshold, "std": 2})
    assert drawn.isfinite().all()
    assert drawn.abs().max() <= 2 * threshold
    assert drawn.abs().max() > 2 * min(threshold, 3) * 0.99
    assert len(drawn.unique()) > 0.99 * min(drawn.numel(), 2**16), "not merely clamped"


def test_uniform_coordinates_fill_their_interval() -> None:
    drawn = draw({"type": "uniform", "dim": 8, "low": 2, "high": 6})
    assert 2 <= drawn.min() < 2.01
    assert 5.99 < drawn.max() <= 6


@pytest.mark.parametrize("name", ["normal", "truncated_normal", "uniform"])
def test_latents_follow_from_the_generator_alone(name: str) -> None:
    torch.manual_seed(1)
    first = draw(name, 3)
    torch.manual_seed(2)
    assert torch.equal(draw(name, 3), first)
    assert not torch.equal(draw(name, 3, seed=1), first)
    rng = torch.Generator().manual_seed(0)
    sampler = latent(name).build()
    assert not torch.equal(sampler(3, rng), sampler(3, rng)), "it goes on where it stopped"


@pytest.mark.parametrize("name", ["normal", "truncated_normal", "uniform"])
def test_the_number_of_coordinates_is_the_spec_s(name: str) -> None:
    assert draw({"type": name, "dim": 7}, 2).shape == (2, 7)
    assert draw(name, 0).shape == (0, 100)
    assert list(latent(name).build().parameters()) == []


# Truncation for sampling.


def test_normals_are_truncated_by_standard_deviations() -> None:
    assert latent({"type": "normal", "dim": 3, "std": 2}).truncated(0.7) == latent(
        {"type": "truncated_normal", "dim": 3, "std": 2, "threshold": 0.7}
    )


@pytest.mark.parametrize(("threshold", "kept"), [(0.7, 0.7), (5, 2)])
def test_truncated_normals_keep_the_smaller_threshold(threshold: float, kept: float) -> None:
    assert latent({"type": "truncated_normal", "threshold": 2}).truncated(threshold) == latent(
        {"type": "truncated_normal", "threshold": kept}
    )


def test_intervals_shrink_about_their_middle() -> None:
    shrunk = latent({"type": "uniform", "low": 0, "high": 4}).truncated(0.5)
    assert (shrunk.low, shrunk.high) == (1, 3)
    assert shrunk.truncated(1) == shrunk


@pytest.mark.parametrize(
    ("name", "threshold"),
    [
        ("normal", 0),
        ("normal", -1),
        ("normal", math.nan),
        ("normal", math.inf),
        ("truncated_normal", 0),
        ("uniform", 0),
        ("uniform", 1.5),
        ("uniform", math.nan),
    ],
)
def test_truncations_that_are_none_are_refused(name: str, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"truncated by a share|must be more than 0"):
        latent(name).truncated(threshold)


@pytest.mark.parametrize(
    "data",
    [
        {"type": "normal", "dim": 0},
        {"type": "normal", "std": 0},
        {"type": "truncated_normal", "threshold": 0},
        {"type": "uniform", "low": 1, "high": 1},
        {"type": "uniform", "low": 2},
    ],
)
def test_distributions_that_are_none_are_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        latent(data)
