"""Features of real samples, kept in the cache: they are the same in every evaluation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ganzoo.data.cache import cache_folder
from ganzoo.evaluation.extraction import BuiltExtractor, Extracted, extract
from ganzoo.evaluation.samples import Array, SampleSet
from ganzoo.utils.distributed import agreed, is_first
from ganzoo.utils.files import write_atomically


def reference_features(
    samples: SampleSet,
    sha256: str,
    extractor: BuiltExtractor,
    device: torch.device,
    what: str,
) -> Extracted:
    """Return what an extractor says of real samples, from the cache where it has them.

    A file in the cache is named after the samples' content and all that the features depend on, and its
    own content is checked against the hash in it: one that was damaged or changed is made again.

    Args:
        samples: the samples.
        sha256: their ``content_hash``.
        extractor: what gives the features.
        device: where they are computed.
        what: what the samples are, for progress.
    """
    key = {
        "samples_sha256": sha256,
        "extractor": dict(extractor.fingerprint),
        "torch": torch.__version__,
        "device": device.type,
    }
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_folder() / f"features-{name}.safetensors"
    cached = _read_file(path, key) if is_first() else None
    if agreed(cached is not None):
        return cached or Extracted(np.empty((0, 0)), None)
    made = extract(samples, {"": extractor}, device, what)[0][""]
    if is_first():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _to_bytes(made, key), durable=False)
        except OSError:
            pass  # a cache that cannot be written costs time, nothing else
    return made


def _read_file(path: Path, key: Mapping[str, Any]) -> Extracted | None:
    try:
        return _read(path.read_bytes(), key)
    except OSError:  # none there, or none that may be read
        return None


def is_whole(content: bytes) -> bool:
    """Say whether a cached file holds the features it was written with."""
    return _read(content, None) is not None


def _to_bytes(extracted: Extracted, key: Mapping[str, Any]) -> bytes:
    arrays = {"features": np.ascontiguousarray(extracted.features)}
    if extracted.logits is not None:
        arrays["logits"] = np.ascontiguousarray(extracted.logits)
    header = {"key": json.dumps(key, sort_keys=True), "sha256": _hash(arrays)}
    return save(arrays, metadata=header)


def _read(content: bytes, key: Mapping[str, Any] | None) -> Extracted | None:
    """Return what a file holds, or None where it is not whole or belongs to another key."""
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        arrays = load(content)
        whole = header["sha256"] == _hash(arrays)
        same = key is None or header["key"] == json.dumps(key, sort_keys=True)
        return Extracted(arrays["features"], arrays.get("logits")) if whole and same else None
    except (SafetensorError, KeyError, ValueError, TypeError):
        return None


def _hash(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(repr((name, arrays[name].shape, str(arrays[name].dtype))).encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
