"""The digit classifier as a feature extractor."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_digits import digits, weights
from ganzoo_digits.extractors import LeNetMnist, StackedLeNetMnist
from pydantic import TypeAdapter
from safetensors.torch import load, save

from ganzoo.components import FeatureExtractor
from ganzoo.data.split import Split
from ganzoo.errors import DataError

ONE, THREE = (1, 28, 28), (3, 28, 28)
CARD = weights.FILE.with_suffix(".md")


@pytest.fixture(scope="module")
def test_digits() -> tuple[torch.Tensor, torch.Tensor]:
    store = digits.read("test")
    assert store.classes is not None
    return torch.from_numpy(store.samples), torch.from_numpy(store.classes)


def extract(
    extractor: FeatureExtractor, samples: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        features, logits = extractor.build(tuple(samples.shape[1:]))(samples)
    return features, logits


def test_it_recognises_98_of_100_digits_it_was_not_trained_on(
    test_digits: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images, labels = test_digits
    _, logits = extract(LeNetMnist(), images)
    accuracy = (logits.argmax(dim=1) == labels).double().mean().item()
    assert accuracy >= 0.98
    assert f"{accuracy:.1%}".replace("%", " %") in CARD.read_text(encoding="utf-8")


def test_no_feature_is_dead_or_follows_from_the_others(
    test_digits: tuple[torch.Tensor, torch.Tensor],
) -> None:
    features, _ = extract(LeNetMnist(), test_digits[0])
    assert features.shape == (1000, 84)
    spread = np.linalg.eigvalsh(np.cov(features.double().numpy().T))
    assert spread[0] > 1e-3
    assert spread[-1] / spread[0] < 1e4


@pytest.mark.parametrize(
    ("extractor", "shape", "widths"),
    [(LeNetMnist(), ONE, (84, 10)), (StackedLeNetMnist(), THREE, (252, 1000))],
    ids=["one digit", "three digits"],
)
def test_samples_do_not_influence_each_other(
    extractor: FeatureExtractor, shape: tuple[int, ...], widths: tuple[int, int]
) -> None:
    rng = torch.Generator().manual_seed(0)
    samples = torch.randint(256, (6, *shape), generator=rng, dtype=torch.uint8)
    network = extractor.build(shape)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    whole = network(samples)
    parts = [
        torch.cat(each) for each in zip(network(samples[:1]), network(samples[1:]), strict=True)
    ]
    for each, again, width in zip(whole, parts, widths, strict=True):
        assert each.shape == (6, width)
        assert each.dtype == torch.float32
        torch.testing.assert_close(each, again, rtol=1e-5, atol=1e-5)


def test_three_digits_are_judged_one_by_one(
    test_digits: tuple[torch.Tensor, torch.Tensor],
) -> None:
    images, labels = test_digits
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:90].view(30, 3)
    features, joint = extract(StackedLeNetMnist(), images[order, 0])
    single, logits = extract(LeNetMnist(), images)
    torch.testing.assert_close(features, single[order].flatten(1), rtol=1e-5, atol=1e-5)
    each = logits.log_softmax(dim=1)[order]
    for first, second, third in [(0, 0, 0), (4, 0, 7), (9, 9, 9), (1, 2, 3)]:
        expected = each[:, 0, first] + each[:, 1, second] + each[:, 2, third]
        found = joint[:, 100 * first + 10 * second + third]
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(joint.exp().sum(dim=1), torch.ones(30))
    spelled = labels[order] @ torch.tensor([100, 10, 1])
    assert (joint.argmax(dim=1) == spelled).double().mean() > 0.9


@pytest.mark.parametrize(
    ("extractor", "shape", "reason"),
    [
        (LeNetMnist(), THREE, r"\(1, 28, 28\), not \(3, 28, 28\); .* 'lenet-mnist-stacked'$"),
        (LeNetMnist(), (1, 32, 32), r"grey images of 28x28 pixels.*, not \(1, 32, 32\)$"),
        (LeNetMnist(), (2,), r", not \(2,\)$"),
        (StackedLeNetMnist(), ONE, r"\(3, 28, 28\), not \(1, 28, 28\); .* 'lenet-mnist'$"),
        (StackedLeNetMnist(), (3, 32, 32), r"three channels of 28x28.*, not \(3, 32, 32\)$"),
    ],
)
def test_other_samples_are_refused(
    extractor: FeatureExtractor, shape: tuple[int, ...], reason: str
) -> None:
    for refuse in (extractor.check, extractor.build):
        with pytest.raises(ValueError, match=reason):
            refuse(shape)


@pytest.mark.parametrize(
    "extractor", [LeNetMnist(), StackedLeNetMnist()], ids=lambda each: each.type
)
def test_a_fingerprint_names_the_weights_and_what_is_done_to_pixels(
    extractor: FeatureExtractor,
) -> None:
    assert extractor.fingerprint() == {
        "type": extractor.type,
        "version": 1,
        "input": "pixels / 255, not resized",
        "weights_sha256": weights.SHA256,
    }
    assert extractor.classifies


def test_the_card_names_the_weights_beside_it() -> None:
    assert weights.SHA256 in CARD.read_text(encoding="utf-8")


def test_damaged_and_missing_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "lenet-mnist.safetensors"
    content = bytearray(weights.FILE.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    monkeypatch.setattr(weights, "FILE", copy)
    for read in (LeNetMnist().fingerprint, lambda: LeNetMnist().build(ONE)):
        with pytest.raises(
            DataError, match=r"lenet-mnist\.safetensors is not .* reinstall ganzoo-digits$"
        ):
            read()
    copy.unlink()
    with pytest.raises(
        DataError, match=r"cannot be read: No such file.*; reinstall ganzoo-digits$"
    ):
        StackedLeNetMnist().build(THREE)


@pytest.mark.parametrize("name", ["lenet-mnist", "lenet-mnist-stacked"])
def test_a_spec_finds_them_by_name(name: str) -> None:
    adapter = TypeAdapter(FeatureExtractor)
    found = adapter.validate_python(name)
    assert found.type == name
    assert adapter.validate_python(adapter.dump_python(found)) == found


def test_torch_is_not_imported_to_describe_them() -> None:
    code = (
        "import sys; from ganzoo_digits.extractors import LeNetMnist as E; E().check((1, 28, 28));"
        "E().fingerprint(); sys.exit(len({'torch', 'numpy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program that made the weights, for one epoch on every eighth digit."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "tools")
    module = importlib.import_module("train_lenet")
    store = digits.read("train")
    assert store.classes is not None
    few = slice(None, None, 8)
    monkeypatch.setattr(module, "EPOCHS", 1)
    monkeypatch.setattr(module, "read", lambda split: Split(store.samples[few], store.classes[few]))
    return module


def test_training_again_gives_the_same_weights(program: Any) -> None:
    def trained() -> bytes:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return save(program.train(torch.Generator().manual_seed(0)).state_dict())

    first = trained()
    assert first == trained()
    expected = {name: each.shape for name, each in load(first).items()}
    assert {name: each.shape for name, each in load(weights.read()).items()} == expected


def test_training_learns_from_each_digit_in_many_forms(
    program: Any, test_digits: tuple[torch.Tensor, torch.Tensor]
) -> None:
    images = test_digits[0][:50].float()
    first, second = (program.distorted(images, torch.Generator().manual_seed(n)) for n in (0, 1))
    assert torch.equal(first, program.distorted(images, torch.Generator().manual_seed(0)))
    assert first.shape == images.shape
    assert not torch.isclose(first, second).flatten(1).all(dim=1).any()
    ink, distorted_ink = images.mean(), first.mean()
    assert 0.8 < distorted_ink / ink < 1.2
    _, logits = extract(LeNetMnist(), first)
    assert (logits.argmax(dim=1) == test_digits[1][:50]).double().mean() > 0.9
