"""Extractors that need no trained weights: random convolutions, pixels, points."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Arrays, FeatureExtractor, Images, SampleSpace, Sequences


def extractor(data: object) -> Any:
    return TypeAdapter(FeatureExtractor).validate_python(data)


def test_pixels_are_from_0_to_1_in_one_row() -> None:
    samples = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 2, 2) * 11
    samples[1, 2, 1, 1] = 255
    features, logits = extractor("pixels").build((3, 2, 2))(samples)
    assert logits is None
    assert features.dtype == torch.float32
    assert torch.equal(features, samples.reshape(2, 12) / 255)
    assert features.max() == 1


def test_pixels_are_shrunk_by_averaging() -> None:
    samples = torch.tensor([[[[0, 10, 4, 4], [20, 30, 4, 4]]]], dtype=torch.uint8)
    features, _ = extractor({"type": "pixels", "size": 1}).build((1, 2, 4))(samples)
    torch.testing.assert_close(features, torch.tensor([[76 / 8 / 255]]))
    with pytest.raises(ValueError, match="images of 2x4 pixels cannot be shrunk to 3x3; choose"):
        extractor({"type": "pixels", "size": 3}).check((1, 2, 4))


def test_points_are_their_own_features() -> None:
    points = torch.tensor([[1.5, -2.0], [0.25, 8.0]])
    features, logits = extractor("identity").build((2,))(points)
    assert torch.equal(features, points)
    assert logits is None


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (5, 7, 64), (2, 1, 1)])
def test_random_convolutions_read_images_of_any_shape(shape: tuple[int, ...], images: Any) -> None:
    network = extractor("random-conv").build(shape)
    samples = torch.randint(0, 256, (3, *shape), dtype=torch.uint8)
    features, logits = network(samples)
    assert features.shape == (3, 256)
    assert features.isfinite().all()
    assert logits is None
    torch.testing.assert_close(network(samples[1:2])[0], features[1:2])


def test_random_weights_follow_from_the_seed_alone(images: Any) -> None:
    samples = images(2)
    before = torch.get_rng_state()
    same, again, other = (
        extractor({"type": "random-conv", "seed": seed}).build((3, 32, 32))(samples)[0]
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(same, again)
    assert not torch.allclose(same, other)


def test_random_weights_are_those_of_every_machine() -> None:
    """Were this to change, numbers of today could no longer be compared: raise ``version``."""
    network = extractor("random-conv").build((3, 8, 8))
    ramp = torch.arange(3 * 8 * 8, dtype=torch.uint8).reshape(1, 3, 8, 8)
    features = network(ramp)[0]
    golden = [-0.01199, -0.00102, 0.09363, -0.00606]
    torch.testing.assert_close(features[0, :4], torch.tensor(golden), rtol=1e-4, atol=1e-5)


def test_random_features_tell_images_apart_and_keep_their_scale(images: Any) -> None:
    samples = images(300)
    features = extractor("random-conv").build((3, 32, 32))(samples)[0].double()
    assert 0.05 < features.std() < 5
    assert torch.linalg.matrix_rank(features - features.mean(0)) > 200
    shift = (images(300, seed=1).double() - samples.double()).abs().mean()
    assert shift > 1, "the other images are other images"
    darker = extractor("random-conv").build((3, 32, 32))(samples // 4)[0].double()
    other = extractor("random-conv").build((3, 32, 32))(images(300, seed=1))[0].double()
    assert (darker.mean(0) - features.mean(0)).norm() > 5 * (
        other.mean(0) - features.mean(0)
    ).norm()


@pytest.mark.parametrize(
    ("data", "shape"), [("pixels", (3, 4, 4)), ("random-conv", (3, 4, 4)), ("identity", (2,))]
)
def test_what_is_built_is_for_use_and_is_stated(data: str, shape: tuple[int, ...]) -> None:
    chosen = extractor(data)
    network = chosen.build(shape)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not chosen.classifies
    fingerprint = chosen.fingerprint()
    assert fingerprint == json.loads(json.dumps(fingerprint))
    assert (fingerprint["type"], fingerprint["version"]) == (data, 1)
    assert chosen.label == data


def test_labels_name_what_is_not_usual() -> None:
    assert extractor({"type": "pixels", "size": 8}).label == "pixels-8"
    assert extractor({"type": "random-conv", "seed": 7}).label == "random-conv-7"


def test_fingerprints_hold_each_field() -> None:
    assert extractor({"type": "pixels", "size": 8}).fingerprint()["size"] == 8
    assert extractor({"type": "random-conv", "seed": 7}).fingerprint()["seed"] == 7


@pytest.mark.parametrize(
    ("data", "shape", "message"),
    [
        ("pixels", (2,), r"extractor 'pixels' reads images, not samples of shape \(2,\); choose"),
        ("random-conv", (2,), "extractor 'random-conv' reads images, not samples of shape"),
    ],
)
def test_shapes_they_cannot_read_are_refused(
    data: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        extractor(data).check(shape)
    with pytest.raises(ValueError, match=f"^{message}"):
        extractor(data).build(shape)


@pytest.mark.parametrize(
    ("data", "space", "message"),
    [
        ("identity", Images(1, 4, 4), "reads arrays and points and sequences, not images"),
        ("pixels", Arrays((1, 4, 4)), "reads images, not arrays"),
        ("random-conv", Sequences(1, 8), r"reads images, not samples of shape \(1, 8\)"),
    ],
)
def test_kinds_of_samples_they_cannot_read_are_refused(
    data: str, space: SampleSpace, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^extractor '{data}' {message}"):
        extractor(data).check_space(space)


@pytest.mark.parametrize("shape", [(2,), (3, 5), (2, 3, 4)])
def test_floats_of_any_shape_are_their_own_features(shape: tuple[int, ...]) -> None:
    samples = torch.randn(6, *shape)
    features, _ = extractor("identity").build(shape)(samples)
    assert torch.equal(features, samples.flatten(1))


@pytest.mark.parametrize(
    "data", [{"type": "pixels", "size": 0}, {"type": "random-conv", "seed": -1}]
)
def test_numbers_out_of_range_are_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        extractor(data)
