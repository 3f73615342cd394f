"""Classifiers of torchvision, with random weights in their true format."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ganzoo.builtin.extractors import TorchvisionClassifier, torchvision_classifier
from ganzoo.data.weights import PublishedWeights
from ganzoo.errors import DataError, UsageError


def spec(model: str, **fields: Any) -> TorchvisionClassifier:
    return TorchvisionClassifier.model_validate({"model": model, **fields})


def random(model: str, seed: int = 0) -> TorchvisionClassifier:
    return spec(model, weights=None, seed=seed)


@pytest.fixture(scope="module")
def shufflenet(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, str, dict[str, torch.Tensor]]:
    """The smallest of torchvision's models, as a file, its SHA-256, and its tensors."""
    from torchvision import models

    with torch.random.fork_rng():
        torch.manual_seed(7)
        state = models.shufflenet_v2_x0_5().state_dict()
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(state, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest(), state


@pytest.mark.parametrize(
    ("model", "width"),
    [
        ("resnet18", 512),
        ("vgg11", 4096),
        ("convnext_tiny", 768),
        ("vit_b_32", 768),
        ("efficientnet_b0", 1280),
        ("mobilenet_v3_small", 1024),
        ("swin_t", 768),
        ("squeezenet1_1", 512),
        ("densenet121", 1024),
        ("googlenet", 1024),
    ],
)
def test_features_are_what_the_last_layer_reads(model: str, width: int, images: Any) -> None:
    network = random(model).build((3, 32, 32))
    features, logits = network(images(2))
    assert features.shape == (2, width)
    assert logits.shape == (2, 1000)
    assert features.isfinite().all()
    assert not torch.equal(features[0], features[1])
    last = [each for each in network.modules() if isinstance(each, torch.nn.Linear)]
    if last:
        torch.testing.assert_close(last[-1](features), logits)


def test_images_are_prepared_as_torchvision_does_it(shufflenet: Any, images: Any) -> None:
    from torchvision import models

    path, sha256, state = shufflenet
    network = spec("shufflenet_v2_x0_5", weights=str(path), sha256=sha256).build((3, 40, 40))
    theirs = models.shufflenet_v2_x0_5().eval()
    theirs.load_state_dict(state)
    prepare = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1.transforms()
    samples = images(3, size=40)
    _, logits = network(samples)
    with torch.no_grad():
        expected = torch.cat([theirs(prepare(sample)[None]) for sample in samples])
    torch.testing.assert_close(logits, expected)
    grey = samples[:, :1]
    assert torch.equal(network(grey)[0], network(grey.repeat(1, 3, 1, 1))[0])


def test_it_is_built_for_use_and_leaves_random_numbers_alone(images: Any) -> None:
    before = torch.get_rng_state()
    networks = [random("shufflenet_v2_x0_5", seed).build((3, 32, 32)) for seed in (3, 3, 4)]
    assert torch.equal(torch.get_rng_state(), before)
    for network in networks:
        assert not any(part.training for part in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())
    same, again, other = (network(images(1))[0] for network in networks)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_named_weights_are_found_verified_and_stated(
    places: dict[str, Path], shufflenet: Any, monkeypatch: pytest.MonkeyPatch, images: Any
) -> None:
    path, sha256, _ = shufflenet
    content = path.read_bytes()
    name = f"shufflenet-{sha256[:8]}.pth"  # as torchvision names its files
    published = PublishedWeights(name, sha256[:8], f"https://example.org/{name}")
    monkeypatch.setattr(torchvision_classifier, "published", lambda model, weights: published)
    chosen = spec("shufflenet_v2_x0_5")
    monkeypatch.setenv("GANZOO_OFFLINE", "1")
    with pytest.raises(DataError, match=rf"{name} .* is not on this machine"):
        chosen.build((3, 32, 32))
    file = places["torch"] / "hub" / "checkpoints" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    given = spec("shufflenet_v2_x0_5", weights=str(path), sha256=sha256)
    assert torch.equal(*(each.build((3, 8, 8))(images(1))[0] for each in (chosen, given)))
    assert chosen.fingerprint()["weights_sha256"] == sha256
    file.write_bytes(content + b"more")
    for use in (chosen.fingerprint, lambda: chosen.build((3, 32, 32))):
        with pytest.raises(DataError, match=rf"has SHA-256 .*, where {sha256[:8]} is expected"):
            use()


def test_the_files_and_presets_of_all_models_are_known() -> None:
    from torchvision import models

    for model in models.list_models(module=models):
        for weights in models.get_model_weights(model):
            file = torchvision_classifier.published(model, weights.name)
            assert file.name.endswith(f"-{file.sha256}.pth")
            assert len(file.sha256) >= 8
            described = torchvision_classifier.describe(model, weights.name)
            assert described["resize"].endswith("antialiased, in 8 bits")
    resnet = torchvision_classifier.published("resnet18", "IMAGENET1K_V1")
    assert (resnet.name, resnet.sha256) == ("resnet18-f37072fd.pth", "f37072fd")


def test_weights_for_other_classes_than_imagenets(
    tmp_path: Path, shufflenet: Any, images: Any
) -> None:
    state = {**shufflenet[2], "fc.weight": torch.randn(7, 1024), "fc.bias": torch.zeros(7)}
    torch.save(state, tmp_path / "seven.pth")
    sha256 = hashlib.sha256((tmp_path / "seven.pth").read_bytes()).hexdigest()
    chosen = spec("shufflenet_v2_x0_5", weights=str(tmp_path / "seven.pth"), sha256=sha256)
    assert chosen.build((3, 8, 8))(images(1))[1].shape == (1, 7)


def test_names_in_old_files_of_densenet_are_understood(tmp_path: Path) -> None:
    state = random("densenet121").build((3, 8, 8)).network.state_dict()
    layer = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])")
    old = {layer.sub(r"\1.\2", name): tensor for name, tensor in state.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth")
    sha256 = hashlib.sha256((tmp_path / "old.pth").read_bytes()).hexdigest()
    chosen = spec("densenet121", weights=str(tmp_path / "old.pth"), sha256=sha256)
    loaded = chosen.build((3, 8, 8)).network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_wrong_files_are_refused(tmp_path: Path, shufflenet: Any) -> None:
    path, sha256, _ = shufflenet
    with pytest.raises(DataError, match=r"does not hold the weights of torchvision's resnet18 \("):
        spec("resnet18", weights=str(path), sha256=sha256).build((3, 32, 32))
    with pytest.raises(DataError, match=rf"mine\.pth has SHA-256 {sha256}, where {'0' * 64}"):
        spec("resnet18", weights=str(path), sha256="0" * 64).build((3, 32, 32))


def test_unknown_models_and_weights_are_refused_with_what_there_is() -> None:
    for use in ("build", "fingerprint"):
        arguments = [(3, 32, 32)] if use == "build" else []
        with pytest.raises(
            UsageError, match=r"no classifier called 'resnet19'; did you mean 'resnet"
        ):
            getattr(spec("resnet19"), use)(*arguments)
        with pytest.raises(
            UsageError, match=r"resnet18 has no weights 'COCO' \(available: IMAGENET1K_V1\)"
        ):
            getattr(spec("resnet18", weights="COCO"), use)(*arguments)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": None}, "name 'weights', or give a 'seed' for random ones"),
        ({"weights": None, "seed": 0, "sha256": "0" * 64}, "random weights have no file"),
        ({"seed": 0}, "a 'seed' is for random weights; for these, set 'weights' to null"),
        ({"weights": "mine.pth"}, r"give the 'sha256' of mine\.pth"),
        ({"weights": "DEFAULT"}, "'DEFAULT' changes with torchvision; name the weights"),
    ],
)
def test_weights_are_stated_in_one_way(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec("resnet18", **fields)


def test_labels_say_which_weights() -> None:
    assert spec("resnet18").label == "torchvision-resnet18"
    assert spec("resnet50", weights="IMAGENET1K_V2").label == "torchvision-resnet50-imagenet1k-v2"
    assert random("resnet18", 3).label == "torchvision-resnet18-random-3"
    mine = spec("resnet18", weights="mine.pth", sha256="0123456789" + "0" * 54)
    assert mine.label == "torchvision-resnet18-01234567"


def test_fingerprints_state_the_preset_and_no_path() -> None:
    fields = {"weights": "/home/me/mine.pth", "sha256": "1" * 64}
    fingerprint = spec("resnet18", **fields).fingerprint()
    assert fingerprint == json.loads(json.dumps(fingerprint))
    assert fingerprint == {
        "type": "torchvision",
        "version": 1,
        "model": "resnet18",
        "weights": None,
        "seed": None,
        "weights_sha256": "1" * 64,
        "resize": "shorter side to 256, bilinear, antialiased, in 8 bits",
        "crop": "middle 224 x 224",
        "scale": "(x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]",
        "grey": "repeated to three channels",
        "features": "input of the last layer",
    }
    assert random("resnet18", 3).fingerprint()["seed"] == 3


@pytest.mark.parametrize("shape", [(2,), (4, 32, 32)])
def test_shapes_it_cannot_read_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^extractor 'torchvision' reads images"):
        spec("resnet18").check(shape)
