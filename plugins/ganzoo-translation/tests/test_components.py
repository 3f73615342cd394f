"""The networks' sizes and what is refused, the data set of digits, and the recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_devkit.testing.trials import TinyTranslator, registered
from ganzoo_translation.components import PatchGAN, ResNetTranslator, UNet, patch_side
from ganzoo_translation.digit_images import read
from ganzoo_translation.digits import DigitDomains

import ganzoo
from ganzoo.errors import DataError, SpecError

PAPER = (3, 256, 256)


def parameters(network: torch.nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def test_the_networks_have_the_sizes_of_the_papers() -> None:
    """The authors' programs print 54.414, 11.378 and 2.769 million, without biases beside batch norm."""
    with torch.device("meta"):
        unet = UNet(normalization={"type": "batch"}).build(PAPER, PAPER, None)
        resnet = ResNetTranslator(normalization={"type": "none"}).build(PAPER, PAPER, None)
        patches = PatchGAN(normalization={"type": "batch"}).build((6, 256, 256), None)
    assert unet.unit == 256
    halving, doubling = 64 + 128 + 256 + 5 * 512, 4 * 512 + 256 + 128 + 64
    assert parameters(unet) == 54_413_955 + halving + doubling
    assert parameters(resnet) == 11_378_179
    assert parameters(patches) == 2_768_705 + 128 + 256 + 512


@pytest.mark.parametrize("layers", range(5))
def test_a_logit_sees_a_patch(layers: int) -> None:
    side = patch_side(layers)
    shape = (1, max(16, side + 40), max(16, side + 40))
    spec = PatchGAN(channels=1, layers=layers, normalization={"type": "none"})
    network = spec.build(shape, None).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(1, *shape, dtype=torch.float64, requires_grad=True)
    logits = network(x)[0]
    (gradient,) = torch.autograd.grad(logits[len(logits) // 2 + round(len(logits) ** 0.5) // 2], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    assert rows.max() - rows.min() + 1 == side


@pytest.mark.parametrize(
    ("component", "fields", "shape", "reason"),
    [
        (UNet, {"depth": 5}, (3, 40, 64), "40x64 cannot be halved 5 times; .* 32x64 and 64x96"),
        (UNet, {}, (3, 15, 15), "15x15 cannot be halved 1 times; the nearest .* 14x14 and 16x16"),
        (ResNetTranslator, {}, (1, 30, 30), "30x30 cannot be halved twice; .* 28x28 and 32x32"),
        (ResNetTranslator, {}, (1, 4, 4), "at least 8x8, not 4x4"),
        (UNet, {}, (2,), "between images only"),
        (
            PatchGAN,
            {"layers": 3},
            (3, 64, 48),
            "70x70 pixels, .* 64x48; set 'layers' to 2 .* 34x34",
        ),
        (PatchGAN, {}, (2,), "supports images only"),
    ],
)
def test_what_does_not_fit_is_refused(
    component: Any, fields: dict[str, Any], shape: tuple[int, ...], reason: str
) -> None:
    network = component(**fields)
    with pytest.raises(ValueError, match=reason):
        network.check(shape, None) if component is PatchGAN else network.check_source(
            shape, shape, None
        )


def test_sources_and_samples_need_one_size() -> None:
    with pytest.raises(ValueError, match="sources of 16x16 and samples of 32x32 must have one"):
        UNet().check_source((3, 16, 16), (3, 32, 32), None)


def pairs(folder: Path, **changes: Any) -> dict[str, Any]:
    images = np.zeros((8, 16, 16, 3), np.uint8)
    arrays = {"images": images, "source": images, **changes}
    np.savez(
        folder / "pairs.npz", **{key: each for key, each in arrays.items() if each is not None}
    )
    return {"type": "arrays", "path": str(folder / "pairs.npz")}


@pytest.mark.parametrize(
    ("algorithm", "arrays", "fields", "reason"),
    [
        ("pix2pix", {}, {"dataset.paired": False}, "dataset: has no pairs of source and target"),
        ("pix2pix", {"source": None}, {}, "dataset: has no pairs of source and target"),
        (
            "pix2pix",
            {"source": np.zeros((8, 8, 8, 3), np.uint8)},
            {},
            "dataset: sources and targets must have one height and width",
        ),
        (
            "pix2pix",
            {},
            {"discriminator": None, "augmentation": "diffaugment"},
            "augmentation: is for a discriminator, and there is none",
        ),
        (
            "pix2pix",
            {},
            {"discriminator.layers": 3},
            "discriminator: reads patches of 70x70 pixels, and images have 16x16",
        ),
        ("cyclegan", {"source": None}, {}, "dataset: has no sources to translate from"),
        ("cut", {"source": None}, {}, "dataset: has no sources to translate from"),
        (
            "cut",
            {"source": np.zeros((8, 16, 16, 1), np.uint8)},
            {},
            "dataset: sources .* and samples .* must have one shape",
        ),
        (
            "cyclegan",
            {"source": np.zeros((8, 16, 16, 1), np.uint8)},
            {},
            "identity_weight: sources .* and samples .* have different shapes; set it to 0",
        ),
    ],
)
def test_data_that_an_algorithm_cannot_use_are_refused(
    tmp_path: Path, algorithm: str, arrays: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    spec = {"algorithm": algorithm, "dataset": pairs(tmp_path, **arrays)}
    with pytest.raises(SpecError, match=reason):
        ganzoo.load_spec(spec, overrides=fields).check()


def test_the_digits_are_split_by_class_and_enlarged() -> None:
    data = DigitDomains()
    assert (data.info().paired, data.info().source) == (False, data.info().samples)
    images, classes = {}, {}
    for split in ("train", "test"):
        images[split], classes[split] = read(split)
        built = data.build(split)
        assert built.source is not None
        assert np.array_equal(built.source, images[split])
        assert images[split].shape[1:] == (1, 28, 28)
        assert images[split][:, :, :4].max() == 0
        assert images[split].max() == 255
    assert len(classes["train"]) + len(classes["test"]) == 1797
    counts = [np.bincount(classes[split], minlength=10) for split in ("test", "train")]
    assert np.abs(counts[0] / (counts[0] + counts[1]) - 0.2).max() < 0.005
    with pytest.raises(DataError, match="has no split 'all'"):
        data.build("all")


@pytest.mark.parametrize("recipe", ["pix2pix-emoji", "cyclegan-digits"])
def test_recipes_fit_together(recipe: str) -> None:
    spec = ganzoo.load_spec(recipe)
    spec.check()
    assert spec.to_json()["algorithm"] == recipe.partition("-")[0]


def test_the_recipe_for_digits_trains_with_small_networks(tmp_path: Path) -> None:
    changes = {
        "generator.channels": 2,
        "generator.blocks": 1,
        "discriminator.channels": 2,
        "evaluation": None,
        "training.duration": "2 steps",
        "output.samples": 4,
        "device": "cpu",
    }
    run = ganzoo.run(
        ganzoo.load_spec("cyclegan-digits", overrides=changes), output=tmp_path / "run"
    )
    assert run.metrics()[-1]["step"] == 2
    assert run.sample(3).shape == (3, 1, 28, 28)


def test_cut_needs_a_translator_that_shows_its_layers(tmp_path: Path) -> None:
    with registered(TinyTranslator):
        spec = {"algorithm": "cut", "dataset": pairs(tmp_path), "generator": "conformance-tiny"}
        with pytest.raises(SpecError, match="generator: does not show its layers; use 'resnet-"):
            ganzoo.load_spec(spec).check()
