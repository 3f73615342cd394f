"""A latent that is trained with the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_mixtures.latents import LearnedMixture
from safetensors.torch import load_file

import ganzoo

SPEC: dict[str, Any] = {
    "dataset": {"type": "ring", "count": 256},
    "latent": {"type": "learned_mixture", "components": 5, "dim": 3},
    "generator": {"type": "mlp", "hidden": [8], "output_activation": "identity"},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "training": {"duration": "3 steps", "batch_size": 32, "ema": {"decay": 0.9}},
    "output": {"samples": 1},
}


def test_latents_are_drawn_from_the_components() -> None:
    built = LearnedMixture(components=4, dim=2, std=0.01).build()
    latents = built(4000, torch.Generator().manual_seed(0))
    apart = torch.cdist(latents, built.means)
    counts = apart.argmin(dim=1).bincount(minlength=4)
    assert counts.min() > 850
    assert apart.min(dim=1).values.square().mean().item() == pytest.approx(2 * 0.01**2, rel=0.1)


def test_without_deviation_the_latents_are_the_means() -> None:
    built = LearnedMixture(components=4, dim=2, std=0).build()
    latents = built(100, torch.Generator().manual_seed(0))
    assert len(latents.unique(dim=0)) == 4
    assert [name for name, _ in built.named_parameters()] == ["means"]


def test_truncation_lowers_the_noise_and_keeps_the_means() -> None:
    latent = LearnedMixture(components=4, dim=2, std=0.5)
    whole, none = latent.build(), latent.truncated(0).build()
    none.load_state_dict(whole.state_dict())
    assert len(none(100, torch.Generator().manual_seed(0)).unique(dim=0)) == 4
    with pytest.raises(ValueError, match="a factor of 0 or more"):
        latent.truncated(-1)


def test_it_is_trained_averaged_and_sampled(tmp_path: Path) -> None:
    run = ganzoo.run(SPEC, output=tmp_path / "run")
    first = ganzoo.run(
        SPEC | {"generator_optimizer": {"type": "adam", "lr_factors": {"latent.*": 0.0}}},
        output=tmp_path / "fixed",
    )
    stored, fixed = (load_file(each.directory.generator_path) for each in (run, first))
    name = next(name for name in stored if name.endswith("means"))
    assert not torch.equal(stored[name], fixed[name])
    state = load_file(run.directory.checkpoints()[0])
    assert not torch.equal(state["networks/latent/means"], stored[name])
    assert torch.isfinite(torch.as_tensor(run.sample(4))).all()
