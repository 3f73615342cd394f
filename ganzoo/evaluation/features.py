"""Features of samples, computed once for all metrics; those of real samples are cached."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ganzoo.components import Component, FeatureExtractor, Features, SampleSpace
from ganzoo.components.registry import active
from ganzoo.data.cache import cache_folder, read_arrays, write_arrays
from ganzoo.errors import EvaluationError
from ganzoo.evaluation.samples import Array, Labels, RealSource, Source
from ganzoo.sampling import BLOCK
from ganzoo.utils.distributed import all_gather, broadcast, gather, is_first, shard
from ganzoo.utils.progress import report

READ = 8 * BLOCK
"""Samples read or generated at a time: with their features, what extraction holds in memory."""

GENERATED = "generated samples"
"""What an evaluation calls the samples that it generates."""

EXTRACTING = "extracting features of {}"
"""What reports of progress say of the longest part of an evaluation."""

Arrays = Mapping[str, Array]
"""What an extractor gives: ``features`` (N, d) and, from a classifier, ``logits`` (N, K)."""


@dataclass(frozen=True)
class BuiltExtractor:
    """An extractor with its module on the device, and everything that its features depend on."""

    component: FeatureExtractor
    network: nn.Module
    fingerprint: Mapping[str, object]

    @classmethod
    def of(
        cls, component: FeatureExtractor, sample_shape: tuple[int, ...], device: torch.device
    ) -> BuiltExtractor:
        """Build an extractor, leaving the global random state as it is."""
        with torch.random.fork_rng(devices=[]):
            network = component.build(sample_shape)
        network = network.to(device).eval().requires_grad_(False)
        fingerprint = {**component.fingerprint(), "provider": provider_of(component)}
        return cls(component, network, fingerprint)


def provider_of(component: Component) -> str | None:
    """Return the distribution that provides a component, or None if it is not registered."""
    entry = active().entry_of(type(component))
    return None if entry is None else entry.provider.name


def provider_versions(components: Iterable[Component]) -> dict[str, str]:
    """Return the version of every distribution that provides one of the components."""
    entries = [active().entry_of(type(each)) for each in components]
    return {each.provider.name: each.provider.version for each in entries if each is not None}


def extract(
    source: Source, extractors: Mapping[str, BuiltExtractor], device: torch.device, what: str
) -> tuple[dict[str, Features], bool]:
    """Return the features of each extractor, and whether all samples are the same.

    The samples (``what``, in words) are read or generated once. Each process takes its shard; on all
    processes but the first, the features are empty. Those that are not finite are an
    ``EvaluationError``.
    """
    arrays, alike = _extract(source, extractors, device, what)
    return {key: _features(each, source.labels) for key, each in arrays.items()}, alike


def cached_features(
    source: RealSource, extractor: BuiltExtractor, device: torch.device
) -> Features:
    """Return the features of real samples, from the cache if it has them.

    A cached file is named after the content of the samples and everything that the features depend on.
    One that is damaged is written again.
    """
    key = {
        "samples_sha256": source.sha256,
        "extractor": dict(extractor.fingerprint),
        "torch": torch.__version__,
        "device": device.type,
    }
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_folder() / f"features-{name}.safetensors"
    cached = read_arrays(path, key) if is_first() else None
    if broadcast(cached is not None):
        return _features(cached or {"features": np.empty((0, 0))}, source.labels)
    arrays = _extract(source, {"": extractor}, device, source.name)[0][""]
    if is_first():
        with contextlib.suppress(OSError):  # without a cache it takes longer, nothing else
            write_arrays(path, arrays, key)
    return _features(arrays, source.labels)


def _features(arrays: Arrays, labels: Labels | None) -> Features:
    return Features(arrays["features"].astype(np.float64), arrays.get("logits"), labels)


@torch.no_grad()
def _extract(
    source: Source, extractors: Mapping[str, BuiltExtractor], device: torch.device, what: str
) -> tuple[dict[str, Arrays], bool]:
    mine = shard(len(source), READ)
    parts: dict[str, list[Arrays]] = {key: [] for key in extractors}
    first, alike, fault = None, True, None
    try:
        for begin in range(mine.start, mine.stop, READ):
            report(EXTRACTING.format(what), begin - mine.start, len(mine))
            samples = source.read(range(begin, min(begin + READ, mine.stop)))
            first = samples[:1] if first is None else first
            alike = alike and bool((samples == first).all())
            for key, extractor in extractors.items():
                for part in _apply(extractor, samples, device):
                    if not np.isfinite(part["features"]).all():
                        who = f"extractor {extractor.component.label}"
                        raise EvaluationError(f"{who}: features of {what} are not finite")
                    parts[key].append(part)
        report(EXTRACTING.format(what), len(mine), len(mine))
    except EvaluationError as error:
        fault = error
    # No process may go on alone: the others would wait for it.
    for each in all_gather(None if fault is None else str(fault)):
        if each is not None:
            raise fault or EvaluationError(each)
    for key, extractor in extractors.items():
        if not parts[key]:  # fewer blocks than processes: this shard is empty, of the right width
            some = _apply(extractor, source.read(range(1)), device)
            parts[key] = [{name: each[:0] for name, each in part.items()} for part in some]
    whole: dict[str, Arrays] = {
        key: {name: gather(np.concatenate([each[name] for each in part])) for name in part[0]}
        for key, part in parts.items()
    }
    seen = [(each, same) for each, same in all_gather((first, alike)) if each is not None]
    same = all(same and np.array_equal(each, seen[0][0]) for each, same in seen)
    return whole, same and len(source) > 1


def quantization_of(space: SampleSpace) -> str:
    """Return how generated samples become what extractors see, in words, for protocols."""
    deep = space.dtype == "uint16"
    return f"{space.quantization}, then (x + 128) // 257" if deep else space.quantization


def _apply(extractor: BuiltExtractor, samples: Array, device: torch.device) -> Iterator[Arrays]:
    if samples.dtype == np.uint16:  # real and generated alike; extractors know images of 8 bits
        samples = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    step = extractor.component.chunk
    for begin in range(0, len(samples), step):
        chunk = torch.from_numpy(np.ascontiguousarray(samples[begin : begin + step])).to(device)
        features, logits = extractor.network(chunk)
        found = {"features": features.cpu().numpy()}
        yield found if logits is None else {**found, "logits": logits.cpu().numpy()}
