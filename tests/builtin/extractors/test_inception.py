"""Inception v3, against torch-fidelity's and torchmetrics' own use of it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ganzoo.builtin.extractors import Inception
from ganzoo.builtin.extractors import inception as module
from ganzoo.errors import DataError

PUBLISHED = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FILE = "weights-inception-2015-12-05-6726825d.pth"


def given(path: Path, sha256: str | None = None, **fields: Any) -> Inception:
    sha256 = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    return Inception.model_validate({"weights": str(path), "sha256": sha256, **fields})


@pytest.fixture(scope="session")
def legacy(inception_weights: Any) -> nn.Module:
    before = torch.get_rng_state()
    network = given(inception_weights.path, inception_weights.sha256).build((3, 32, 32))
    assert torch.equal(torch.get_rng_state(), before), "random numbers are left alone"
    return network


@pytest.fixture(scope="session")
def antialiased(inception_weights: Any) -> nn.Module:
    spec = given(inception_weights.path, inception_weights.sha256, preset="antialias")
    return spec.build((3, 64, 64))


def test_features_and_logits_are_those_of_torch_fidelity(
    legacy: nn.Module, inception_weights: Any, images: Any
) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], str(inception_weights.path)
    )
    samples = images(3)
    features, logits = legacy(samples)
    expected_features, expected_logits = theirs(samples)
    assert features.shape == (3, 2048)
    assert logits.shape == (3, 1008)
    assert features.std(0).mean() > 1e-3, "the test can tell images apart"
    assert torch.equal(features, expected_features)
    assert torch.equal(logits, expected_logits)


def test_antialiased_features_are_those_of_torchmetrics(
    antialiased: nn.Module, legacy: nn.Module, inception_weights: Any, images: Any
) -> None:
    from torchmetrics.image.fid import NoTrainInceptionV3

    samples = images(2, size=400)
    features, _ = antialiased(samples)
    theirs = NoTrainInceptionV3("inception", ["2048"], str(inception_weights.path))
    assert theirs.use_antialias
    assert torch.equal(features, theirs(samples))
    assert not torch.allclose(features, legacy(samples)[0], rtol=1e-3), "the presets differ"


def test_grey_images_are_as_rgb_of_three_equal_channels(legacy: nn.Module, images: Any) -> None:
    grey = images(2, channels=1)
    assert torch.equal(legacy(grey)[0], legacy(grey.repeat(1, 3, 1, 1))[0])


def test_no_image_influences_the_features_of_another(legacy: nn.Module, images: Any) -> None:
    samples = images(3)
    torch.testing.assert_close(
        legacy(samples[1:2])[0], legacy(samples)[0][1:2], rtol=1e-4, atol=1e-5
    )


def test_it_is_built_for_use(legacy: nn.Module) -> None:
    assert not any(part.training for part in legacy.modules())
    assert not any(parameter.requires_grad for parameter in legacy.parameters())


@pytest.mark.parametrize("folder", ["weights", "cache/weights", "torch/hub/checkpoints"])
def test_weights_are_found_where_they_are_kept(
    folder: str,
    places: dict[str, Path],
    inception_weights: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = places["weights"].parent / folder
    place.mkdir(parents=True)
    (place / FILE).write_bytes(b"found here")
    with pytest.raises(
        DataError, match=rf"{place / FILE} has SHA-256 [0-9a-f]{{64}}, where {PUBLISHED}"
    ):
        Inception().build((3, 32, 32))


def test_missing_weights_are_one_sentence_that_says_what_to_do(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_OFFLINE", "1")
    with pytest.raises(DataError) as caught:
        Inception().build((3, 32, 32))
    assert str(caught.value) == (
        f"{FILE} (SHA-256 {PUBLISHED}) is not on this machine, and downloads are forbidden, by"
        " --offline or GANZOO_OFFLINE;"
        f" get it from https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE} and"
        f" put it into {places['weights']}"
    )
    assert caught.value.__notes__ == [
        "or measure fd and kd, with an extractor that needs none: --metrics fd,kd --extractor"
        " random-conv"
    ]
    assert not places["weights"].exists()


def test_other_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    with pytest.raises(DataError, match=rf"mine\.pth does not exist; .* SHA-256 {PUBLISHED}"):
        given(path, PUBLISHED).build((3, 32, 32))
    path.write_bytes(b"mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    with pytest.raises(
        DataError, match=rf"mine\.pth has SHA-256 {digest}, where {PUBLISHED} is expected"
    ):
        given(path, PUBLISHED).build((3, 32, 32))


class Marker:
    """Unpickling this makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_code_in_a_file_is_never_run(protocol: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "it-ran"
    content = {"fc.weight": torch.zeros(1), "extra": Marker(trace)}
    if protocol == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"evil\.pth is not a state dict of plain tensors.*was run"):
        given(path).build((3, 32, 32))
    assert not trace.exists()


def test_damaged_and_foreign_files_are_named(tmp_path: Path, inception_weights: Any) -> None:
    path = tmp_path / "damaged.pth"
    with inception_weights.path.open("rb") as file:
        path.write_bytes(file.read(1_000_000))
    with pytest.raises(DataError, match=r"damaged\.pth is not a state dict .* or is damaged"):
        given(path).build((3, 32, 32))
    torch.save([torch.zeros(1)], path)
    with pytest.raises(DataError, match="is not a state dict: it must hold tensors by name"):
        given(path).build((3, 32, 32))
    torch.save({"fc.weight": torch.tensor([torch.nan])}, path)
    with pytest.raises(DataError, match=r"weights that are not finite, in 'fc\.weight'"):
        given(path).build((3, 32, 32))
    torch.save({"fc.weight": torch.zeros(1)}, path)
    with pytest.raises(
        DataError, match=r"does not hold the weights of .*Inception v3 .*Missing key"
    ):
        given(path).build((3, 32, 32))


def test_labels_and_the_plain_name_go_by_weights_and_preset() -> None:
    usual, antialias = Inception(), Inception(preset="antialias")
    other = Inception(weights="mine.pth", sha256="0123456789" + "0" * 54)
    local = Inception(weights="copy-of-the-published.pth")
    assert [each.label for each in (usual, antialias, other, local)] == [
        "inception",
        "inception-antialias",
        "inception-01234567",
        "inception",
    ]
    both = other.model_copy(update={"preset": "antialias"})
    assert both.label == "inception-antialias-01234567"
    assert [each.published for each in (usual, antialias, other, local, both)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_fingerprints_hold_what_features_depend_on_and_no_path() -> None:
    usual, local = Inception(), Inception(weights="/home/me/copy.pth")
    fingerprint = usual.fingerprint()
    assert fingerprint == local.fingerprint() == json.loads(json.dumps(fingerprint))
    assert fingerprint["weights_sha256"] == PUBLISHED
    assert "TensorFlow 1.x" in fingerprint["resize"]
    antialias = Inception(preset="antialias").fingerprint()
    assert antialias["resize"].endswith("corners not aligned, antialiased")


def test_unpublished_weights_must_be_named() -> None:
    with pytest.raises(ValidationError, match="name the file in 'weights'"):
        Inception(sha256="0" * 64)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2,), r"reads images, not samples of shape \(2,\); choose 'identity' for these"),
        ((4, 32, 32), "reads images of 1 or 3 channels, not of 4"),
    ],
)
def test_shapes_it_cannot_read_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^extractor 'inception' {message}$"):
        Inception().check(shape)
    Inception().check((1, 28, 28))


def test_the_published_file_is_the_one_torch_fidelity_downloads() -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    assert module.ADDRESS == URL_INCEPTION_V3
