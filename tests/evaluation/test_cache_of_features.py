"""Features of real samples are computed once, and never believed when they were changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.builtin.extractors.small import Pixels
from ganzoo.components import FeatureExtractor, Images, Sequences
from ganzoo.data.cache import cached_files, fault_of
from ganzoo.data.split import Split
from ganzoo.evaluation.features import BuiltExtractor, cached_features, quantization_of
from ganzoo.evaluation.samples import RealSamples
from ganzoo.spec.sections import default_extractor

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GANZOO_CACHE", str(folder))
    return folder


def some_samples(seed: int = 0, count: int = 70) -> RealSamples:
    rng = np.random.default_rng(seed)
    return RealSamples(Split(rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)))


def features(
    samples: RealSamples, extractor: FeatureExtractor | None = None
) -> np.ndarray[Any, Any]:
    built = BuiltExtractor.of(extractor or Pixels(), samples.sample_shape, CPU)
    return cached_features(samples, built, CPU).features


def test_features_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = features(some_samples())
    monkeypatch.setattr(Pixels, "build", lambda self, shape: torch.nn.Identity())  # gives no pair
    assert np.array_equal(features(some_samples()), first)
    assert len(cached_files()) == 1


def test_other_samples_or_another_extractor_have_other_features() -> None:
    features(some_samples())
    features(some_samples(seed=1))
    features(some_samples(count=69))
    features(some_samples(), Pixels(size=4))
    assert len(cached_files()) == 4


def test_16_bit_images_have_the_features_of_their_8_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 1, 8, 8), dtype=np.uint8)
    deep = pixels.astype(np.uint16) * 257  # 255 becomes 65535
    one, other = (RealSamples(Split(each)) for each in (pixels, deep))
    assert np.array_equal(features(one), features(other))
    assert one.sha256 != other.sha256
    assert quantization_of(Images(1, 8, 8, 16)) == (
        "clamp to [-1, 1], then round((x + 1) * 32767.5), then (x + 128) // 257"
    )


def test_sequences_are_read_by_the_default_extractor() -> None:
    sequences = np.random.default_rng(0).normal(size=(12, 2, 5)).astype(np.float32)
    extractor = default_extractor(Sequences(2, 5))
    extractor.check_space(Sequences(2, 5))
    assert np.array_equal(
        features(RealSamples(Split(sequences)), extractor), sequences.reshape(12, 10)
    )


@pytest.mark.parametrize("damage", ["changed", "cut", "other", "empty"])
def test_a_damaged_file_is_made_again(damage: str) -> None:
    before = features(some_samples())
    (file,) = cached_files()
    content = file.path.read_bytes()
    if damage == "other":  # whole, but of other samples
        features(some_samples(seed=1))
        other = next(each for each in cached_files() if each.path != file.path)
        content = other.path.read_bytes()
        other.path.unlink()
    file.path.write_bytes(
        {
            "changed": content[:-4] + bytes(4),
            "cut": content[:-100],
            "other": content,
            "empty": b"",
        }[damage]
    )
    assert np.array_equal(features(some_samples()), before)
    assert fault_of(file) is None
    assert file.path.read_bytes() != content[:-4] + bytes(4)


def test_no_flipped_bit_is_believed() -> None:
    before = features(some_samples())
    (file,) = cached_files()
    whole = file.path.read_bytes()
    rng = np.random.default_rng(0)
    header = rng.permutation(8 * 600)[:60]  # the JSON at the beginning, and its length
    for bit in [*range(0, 64, 5), *header.tolist(), *rng.integers(0, 8 * len(whole), 20).tolist()]:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        file.path.write_bytes(flipped)
        assert np.array_equal(features(some_samples()), before)


def test_faults_are_found() -> None:
    features(some_samples())
    (file,) = cached_files()
    assert fault_of(file) is None
    file.path.write_bytes(file.path.read_bytes()[:-1] + b"x")
    assert fault_of(file) == "its content is not what was written"


def test_a_cache_that_cannot_be_written_costs_time_only(own_cache: Path) -> None:
    own_cache.write_text("a file where the folder would be")
    assert features(some_samples()).shape == (70, 64)


def test_an_evaluation_reads_real_samples_once(evaluated: ganzoo.Run) -> None:
    request: dict[str, Any] = {"samples": 64, "seeds": [0], "device": "cpu", "save": False}
    first = evaluated.evaluate(**request)
    files = {file.path: file.path.stat().st_mtime_ns for file in cached_files()}
    assert evaluated.evaluate(**request).values == first.values
    assert {file.path: file.path.stat().st_mtime_ns for file in cached_files()} == files
