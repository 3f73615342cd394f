"""What other packages add to the standard game: it trains, resumes exactly and samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.errors import SpecError
from ganzoo.plugins import Plugins

Train = Callable[[dict[str, Any]], ganzoo.Run]


def tensors(run: ganzoo.Run) -> dict[str, torch.Tensor]:
    return load_file(run.directory.checkpoints()[0])


def test_all_packages_are_loaded(packages: Plugins) -> None:
    faults = {each.name: each.cause for each in packages.records}
    assert faults["ganzoo-ada"] is None
    assert faults.pop("ganzoo-translation") == "disabled"  # conftest.py says why
    assert set(faults.values()) == {None}


def test_ada_follows_the_signs_of_real_logits(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    # Above -1 on average at first: p rises by one batch a step, and what it is at is logged.
    tiny["augmentation"] = {"type": "adaptive", "target": -1, "every": 2, "ramp": 64}
    run = train_and_resume(tiny)
    steps = [line["augmentation/p"] for line in run.metrics()]
    assert steps == [0, 0.25, 0.25, 0.5, 0.5, 0.75]
    assert tensors(run)["networks/discriminator-augmentation/p"] == 0.75
    assert run.sample(5).shape == (5, 1, 8, 8)


def test_ada_refuses_points(tiny: dict[str, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((48, 2), dtype=np.float32))
    tiny |= {
        "dataset": {"type": "arrays", "path": str(tmp_path / "points.npy")},
        "augmentation": "adaptive",
    }
    with pytest.raises(SpecError, match=r"augmentation: 'adaptive' changes images only"):
        ganzoo.load_spec(tiny).check()


def acgan(tiny: dict[str, Any]) -> dict[str, Any]:
    return {
        **tiny,
        "generator": {"type": "mlp", "hidden": [16], "conditional": True},
        "discriminator": {"type": "acgan", "conditional": True},
        "auxiliary_losses": [{"type": "classification", "weight": 2.0}],
    }


def test_acgan_trains_its_classifier_on_both_sides(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    run = train_and_resume(acgan(tiny))
    logged = run.metrics()[0]
    assert {f"auxiliary/{side}/classification" for side in ("discriminator", "generator")} <= set(
        logged
    )
    assert run.sample(3, labels=[0, 1, 2]).shape == (3, 1, 8, 8)


def test_a_loss_that_needs_class_logits_is_refused_where_there_are_none(
    tiny: dict[str, Any],
) -> None:
    spec = {**acgan(tiny), "discriminator": {"type": "mlp", "hidden": [16], "conditional": True}}
    expected = (
        r"auxiliary_losses\.0: 'classification' needs class_logits from the discriminator, and 'mlp'"
        r" provides logits"
    )
    with pytest.raises(SpecError, match=expected):
        ganzoo.load_spec(spec).check()


def test_a_network_is_refused_conditions_of_a_kind_it_does_not_accept(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    images = np.zeros((48, 8, 8), dtype=np.uint8)
    values = np.zeros((48, 2), dtype=np.float32)
    np.savez(tmp_path / "images.npz", images=images, values=values)
    expected = r"discriminator\.conditional: .* 2 values, and 'acgan' accepts classes only"
    with pytest.raises(SpecError, match=expected):
        ganzoo.load_spec(acgan(tiny)).check()


def infogan(tiny: dict[str, Any]) -> dict[str, Any]:
    return {
        **tiny,
        "latent": {"type": "codes", "dim": 8, "categories": [3], "continuous": 2},
        "discriminator": {"type": "infogan", "codes": 5},
        "auxiliary_losses": ["mutual_information"],
    }


def test_infogan_reads_its_codes(tiny: dict[str, Any], train_and_resume: Train) -> None:
    run = train_and_resume(infogan(tiny))
    assert "auxiliary/generator/mutual_information" in run.metrics()[0]
    latents = run.latents(6)
    assert latents[:, :3].sum(dim=1).eq(1).all()
    assert latents[:, 3:5].abs().max() <= 1
    assert run.sample(latents=latents).shape == (6, 1, 8, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": "normal"}, r"auxiliary_losses\.0: .* needs a latent of type 'codes'"),
        ({"discriminator": "infogan"}, r"take 5 coordinates, and discriminator\.codes is 12"),
    ],
    ids=["latent", "codes"],
)
def test_infogan_refuses_parts_that_do_not_fit(
    tiny: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec({**infogan(tiny), **changes}).check()


def test_path_lengths_have_a_moving_mean_that_is_resumed(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    tiny["regularizers"] = [{"type": "latent_path_length", "every": 2, "weight": 2.0}]
    run = train_and_resume(tiny)
    assert tensors(run)["networks/discriminator-regularizer-latent_path_length/mean"] > 0
    assert ["regularizer/latent_path_length" in line for line in run.metrics()] == [True, False] * 3


def test_noise_is_drawn_from_the_run_and_when_sampling_from_the_seed(
    tiny: dict[str, Any], train_and_resume: Train
) -> None:
    run = train_and_resume({**tiny, "generator": "noisy"})
    latents = torch.zeros(2, 4)
    samples = run.sample(latents=latents, seed=1)
    assert not torch.equal(samples[0], samples[1]), "one latent, two samples"
    assert torch.equal(samples, run.sample(latents=latents, seed=1))
    assert not torch.equal(samples, run.sample(latents=latents, seed=2))


def test_pacgan_packs_samples(tiny: dict[str, Any], train_and_resume: Train) -> None:
    tiny["discriminator"]["pack"] = 2
    run = train_and_resume(tiny)
    weight = tensors(run)["networks/discriminator/layers.0.weight"]
    assert weight.shape == (16, 2 * 64)
    assert run.sample(3).shape == (3, 1, 8, 8)


@pytest.mark.parametrize(
    ("pack", "conditional", "training", "message"),
    [
        (
            3,
            False,
            {},
            r"discriminator\.pack: parts of 8 samples cannot be divided into packs of 3",
        ),
        (2, False, {"accumulation": 8}, r"discriminator\.pack: parts of 1 samples"),
        (2, False, {"last_batch": "keep"}, r"training\.last_batch: .* set it to 'drop'"),
        (2, True, {}, "samples of a pack may have different conditions"),
    ],
)
def test_packs_that_cannot_be_filled_are_refused(
    tiny: dict[str, Any],
    pack: int,
    conditional: bool,
    training: dict[str, Any],
    message: str,
) -> None:
    tiny["discriminator"] |= {"pack": pack, "conditional": conditional}
    tiny["generator"]["conditional"] = conditional
    tiny["training"] |= training
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec(tiny).check()


EVERYTHING: dict[str, Any] = {
    "latent": {"type": "codes", "dim": 8, "categories": [3], "continuous": 2},
    "generator": "noisy",
    "discriminator": {"type": "infogan", "codes": 5},
    "auxiliary_losses": ["mutual_information"],
    "regularizers": [{"type": "latent_path_length", "every": 2}, {"type": "r1", "every": 4}],
    "augmentation": {"type": "adaptive", "target": -1, "every": 3, "ramp": 64},
    "callbacks": [{"type": "stop_when_scores_part", "gap": 100.0}],
    "discriminator_steps": 2,
    "loss": "relativistic_average",
}


@pytest.mark.parametrize(
    "training",
    [{"accumulation": 2}, {"precision": "bfloat16"}, {"ema": None, "last_batch": "keep"}],
    ids=["accumulation", "mixed precision", "raw"],
)
def test_parts_of_several_packages_work_together(
    tiny: dict[str, Any], train_and_resume: Train, training: dict[str, Any]
) -> None:
    spec = {**tiny, **EVERYTHING, "training": {**tiny["training"], **training}}
    run = train_and_resume(spec)
    assert run.metrics()[-1]["step"] == 6
    assert run.sample(3).shape == (3, 1, 8, 8)


def test_overrides_reach_every_part(tiny: dict[str, Any]) -> None:
    changes = [
        "auxiliary_losses.0.weight=3",
        "augmentation.target=0.5",
        "latent.categories=[4,2]",
        "discriminator.codes=8",
        "regularizers.0.every=8",
        "callbacks.0.lines=5",
        "generator.hidden=4",
        "dataset.horizontal_flip=true",
    ]
    spec = ganzoo.load_spec({**tiny, **EVERYTHING}, overrides=changes)
    spec.check()
    data = spec.to_json()
    assert data["auxiliary_losses"][0]["weight"] == 3
    assert data["latent"]["categories"] == [4, 2]
    assert data["callbacks"][0]["lines"] == 5
    assert spec.providers()["augmentation"].name == "ganzoo-ada"
    with pytest.raises(SpecError, match=r"augmentation\.targt: unknown key; did you mean 'target'"):
        ganzoo.load_spec({**tiny, **EVERYTHING}, overrides=["augmentation.targt=1"])
