"""What is measured of latent spaces whose answers are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_latents.analysis import analyze, observations
from ganzoo_latents.directions import ganspace, sefa
from ganzoo_latents.drawing import neighbours_sheet
from ganzoo_latents.effects import classifier, effects, smoothness, value_effects
from ganzoo_latents.inversion import invert
from ganzoo_latents.space import LatentSpace
from torch import nn

import ganzoo
from ganzoo.components import Condition, DatasetInfo, Images
from ganzoo.errors import UsageError
from ganzoo.sampling import LatentSampler


class Pixelwise(nn.Module):
    """Coordinate i, times its weight, is the brightness of row i."""

    def __init__(self, weights: list[float], classes: int = 0) -> None:
        super().__init__()
        self.rows = nn.Linear(len(weights) + classes, len(weights), bias=False)
        self.rows.weight.data.zero_()
        self.rows.weight.data[:, : len(weights)] = torch.diag(torch.tensor(weights))
        self.after = nn.Linear(len(weights), len(weights), bias=False)
        self.after.weight.data = torch.eye(len(weights))
        self.classes = classes

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        if condition is not None:
            z = torch.cat([z, nn.functional.one_hot(condition, self.classes).to(z)], dim=1)
        rows = self.after(torch.tanh(self.rows(z)))
        return rows[:, None, :, None].expand(-1, 1, -1, rows.shape[1])


def space_of(network: Pixelwise, std: float = 1.0) -> LatentSpace:
    """Return the latent space of a network, as if a run had trained it."""
    dim = network.after.in_features

    class Normal(nn.Module):
        def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
            return std * torch.randn(n, dim, generator=rng)

    condition = Condition("classes", network.classes) if network.classes else None
    sampler = LatentSampler(network, Normal(), dim, condition=condition).ready()
    run: Any = SimpleNamespace(
        sampler=sampler,
        latent_dim=dim,
        info=DatasetInfo(samples=Images(1, dim, dim)),
        path=SimpleNamespace(resolve=lambda: SimpleNamespace(name="known")),
        class_names=(),
        checkpoint="last",
    )
    return LatentSpace.of(run)


def test_the_effect_of_a_coordinate_grows_with_its_weight() -> None:
    space = space_of(Pixelwise([0.01, 0.0, 0.03, 0.02]))
    found = [each.change for each in effects(space, torch.eye(4), 8)]
    assert np.argsort(found).tolist() == [1, 0, 3, 2]
    assert found[1] == 0
    # One row of four changes by 0.01 of a range of 2 for each standard deviation.
    assert found[0] == pytest.approx(0.01 / 4 / 2, rel=0.05)


def test_effects_are_of_standard_deviations() -> None:
    network = Pixelwise([0.01, 0.02])
    one, three = (effects(space_of(network, std), torch.eye(2), 8)[0].change for std in (1.0, 3.0))
    assert three == pytest.approx(3 * one, rel=0.05)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("method", [sefa, ganspace])
def test_directions_are_the_strongest_coordinates(method: Any, classes: int) -> None:
    found = method(space_of(Pixelwise([0.1, 0.0, 0.3, 0.2], classes)), 2)
    assert found.vectors.shape == (2, 4)
    torch.testing.assert_close(found.vectors, torch.eye(4)[[2, 3]], atol=0.1, rtol=0)
    assert found.shares[0] > found.shares[1] > 0


def test_a_generator_that_does_not_begin_with_a_linear_layer_has_no_directions_of_sefa() -> None:
    network = Pixelwise([0.1, 0.2])
    network.rows.register_forward_pre_hook(lambda _, given: (given[0].square(),))
    with pytest.raises(UsageError, match="does not begin with a linear layer"):
        sefa(space_of(network), 1)


def test_noise_is_the_same_for_every_image() -> None:
    class Noisy(Pixelwise):
        def forward(self, z: torch.Tensor, condition: Any = None, rng: Any = None) -> torch.Tensor:
            return super().forward(z) + torch.randn(len(z), 1, 2, 2, generator=rng)

    space = space_of(Noisy([0.0, 0.1]))
    space.sampler.uses_noise = True
    images = space.render(torch.zeros(3, 2), None)
    assert (images == images[:1]).all()
    assert np.unique(images[0]).size > 2
    assert effects(space, torch.eye(2), 4)[0].change == 0
    target = torch.from_numpy(space.render(torch.tensor([[0.0, 1.0]]), None))[0]
    assert invert(space, target, starts=2, steps=100).error < 0.01


def test_values_set_by_hand_saturate_and_drive_images_dark() -> None:
    space = space_of(Pixelwise([-1.0, -1.0, -1.0]))
    found = value_effects(space, 30)
    assert [each.value for each in found] == [0.3, 1, 3, 10, 30, 810, 114514]
    assert found[-1].brightness < found[0].brightness
    assert found[-1].darker == 1
    assert found[-1].change == pytest.approx(found[-2].change)
    faint = value_effects(space_of(Pixelwise([0.001])), 30, values=[0.3])
    assert faint[0].invisible == 1


def test_class_changes_are_fractions_of_latents() -> None:
    space = space_of(Pixelwise([1.0, 0.0]))
    found = effects(
        space, torch.eye(2), 16, classify=lambda images: (images[:, 0, 0, 0] > 0).astype(int)
    )
    assert [each.class_changes for each in found] == [1, 0]


def test_even_changes_have_a_path_length_that_is_known() -> None:
    # Pixels change by 0.01 times the change of the latent, whose speed along the arc is constant.
    found = smoothness(space_of(Pixelwise([0.01] * 100)), 64)
    # Independent latents are a right angle apart: an arc of pi / 2 for a length of sqrt(100).
    assert found.path_length == pytest.approx((0.01 * np.pi / 2) ** 2, rel=0.05)
    assert found.unevenness < 1.5


def test_a_picture_of_the_generator_is_found_again() -> None:
    space = space_of(Pixelwise([0.5, 0.6, 0.4, 0.7]))
    latent = space.latents(1, seed=9)
    target = torch.from_numpy(space.render(latent, None))[0]
    state = torch.get_rng_state()
    found = invert(space, target, starts=3, steps=200)
    assert torch.equal(torch.get_rng_state(), state)
    assert found.error < 0.002 < found.drawn
    assert found.errors == sorted(found.errors)
    assert len(found.errors) == 3
    torch.testing.assert_close(found.latent, latent[0], atol=0.05, rtol=0)


def test_an_analysis_of_a_run_is_plain_and_repeatable(finished: Any) -> None:
    space = LatentSpace.of(ganzoo.open_run(finished))
    from ganzoo.evaluation.request import RunRequest

    extractor = RunRequest.of(extractor="lenet-mnist").extractor
    first, again = (
        analyze(space, latents=2, directions=3, extractor=extractor).to_json() for _ in range(2)
    )
    assert first == again
    changes = [each["change"] for each in first["coordinates"]]
    assert changes == sorted(changes, reverse=True)
    assert sorted(each["coordinate"] for each in first["coordinates"]) == list(range(8))
    assert [len(each) for each in first["directions"].values()] == [3, 3]
    assert len(observations(analyze(space, latents=2, directions=1))) == 3


def test_what_is_no_classifier_is_refused(finished: Any) -> None:
    from ganzoo.evaluation.request import RunRequest

    space = LatentSpace.of(ganzoo.open_run(finished))
    extractor = RunRequest.of(extractor="random-conv").extractor
    assert extractor is not None
    with pytest.raises(UsageError, match="'random-conv' is not a classifier"):
        classifier(extractor, space)


def test_nearest_images_are_sought_among_those_that_were_trained_on(
    finished: Any, tmp_path: Path
) -> None:
    spec = ganzoo.open_run(finished).spec.to_json()
    spec["dataset"]["limit"] = 4
    spec["training"] |= {"duration": "1 steps", "batch_size": 4}
    limited = ganzoo.run(spec, output=tmp_path / "limited")
    four, six = (
        neighbours_sheet(LatentSpace.of(run), None, 1).width
        for run in (limited, ganzoo.open_run(finished))
    )
    assert four < six
