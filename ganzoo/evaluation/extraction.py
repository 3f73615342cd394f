"""Features of samples, computed once for all metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ganzoo.components import Component, FeatureExtractor
from ganzoo.components.registry import active
from ganzoo.errors import EvaluationError
from ganzoo.evaluation.samples import Array, SampleSet
from ganzoo.sampling import BLOCK
from ganzoo.utils.distributed import everyones, gathered, own_share
from ganzoo.utils.progress import report

READ = 8 * BLOCK
"""Samples read or made at a time: with their features, what extraction holds in memory."""


@dataclass(frozen=True)
class Extracted:
    """What one extractor says of a set of samples; empty on all processes but the first.

    Attributes:
        features: (N, d), as the network gives them.
        logits: (N, K), or None.
    """

    features: Array
    logits: Array | None


@dataclass(frozen=True)
class BuiltExtractor:
    """An extractor that is ready.

    Attributes:
        component: what the spec says of it.
        network: what it builds, on the device.
        fingerprint: all that its features depend on.
    """

    component: FeatureExtractor
    network: nn.Module
    fingerprint: Mapping[str, object]

    @classmethod
    def of(
        cls, component: FeatureExtractor, sample_shape: tuple[int, ...], device: torch.device
    ) -> BuiltExtractor:
        """Build it, leaving the global random state as it is."""
        with torch.random.fork_rng(devices=[]):
            network = component.build(sample_shape)
        network = network.to(device).eval().requires_grad_(False)
        return cls(
            component, network, {**component.fingerprint(), "provider": provider_of(component)}
        )


def provider_of(component: Component) -> str | None:
    """Return the distribution that brings a component, or None for one that none brings."""
    entry = active().entry_of(type(component))
    return None if entry is None else entry.provider.name


@torch.no_grad()
def extract(
    samples: SampleSet, extractors: Mapping[str, BuiltExtractor], device: torch.device, what: str
) -> tuple[dict[str, Extracted], bool]:
    """Read or make samples once, and return the features of every extractor.

    Each process takes its share; the whole comes together on the first.

    Args:
        samples: what to read.
        extractors: by any key.
        device: where features are computed.
        what: what the samples are, for progress.

    Returns:
        What each extractor says, and whether all samples are the same.

    Raises:
        EvaluationError: a feature is not finite.
    """
    share = own_share(len(samples), READ)
    parts: dict[str, list[tuple[Array, Array | None]]] = {key: [] for key in extractors}
    first, alike, fault = None, True, None
    try:
        for begin in range(share.start, share.stop, READ):
            report(f"features of {what}", begin - share.start, len(share))
            read = samples.read(range(begin, min(begin + READ, share.stop)))
            first = read[:1] if first is None else first
            alike = alike and bool((read == first).all())
            for key, extractor in extractors.items():
                for features, logits in _run(extractor, read, device):
                    _refuse_broken(features, extractor, what)
                    parts[key].append((features, logits))
        report(f"features of {what}", len(share), len(share))
    except EvaluationError as error:
        fault = error
    # No process may go on alone: the others would wait for it.
    for each in everyones(None if fault is None else str(fault)):
        if each is not None:
            raise fault or EvaluationError(each)
    whole = {
        key: _together(parts[key], extractor, samples.sample_shape, device)
        for key, extractor in extractors.items()
    }
    seen = [(each, same) for each, same in everyones((first, alike)) if each is not None]
    same = all(same and np.array_equal(each, seen[0][0]) for each, same in seen)
    return whole, same and len(samples) > 1


def _refuse_broken(features: Array, extractor: BuiltExtractor, what: str) -> None:
    if not np.isfinite(features).all():
        raise EvaluationError(
            f"extractor {extractor.component.label}: features of {what} are not finite"
        )


def _run(
    extractor: BuiltExtractor, samples: Array, device: torch.device
) -> Iterator[tuple[Array, Array | None]]:
    step = extractor.component.chunk
    for begin in range(0, len(samples), step):
        chunk = torch.from_numpy(np.ascontiguousarray(samples[begin : begin + step])).to(device)
        features, logits = extractor.network(chunk)
        yield features.cpu().numpy(), None if logits is None else logits.cpu().numpy()


def _together(
    parts: list[tuple[Array, Array | None]],
    extractor: BuiltExtractor,
    sample_shape: tuple[int, ...],
    device: torch.device,
) -> Extracted:
    """Join the chunks of this process, then the shares of all."""
    if not parts:  # fewer blocks than processes: this share is empty, but of the right width
        kind = np.uint8 if len(sample_shape) == 3 else np.float32
        parts = list(_run(extractor, np.zeros((1, *sample_shape), kind), device))
        parts = [(each[:0], None if logits is None else logits[:0]) for each, logits in parts]
    features = gathered(np.concatenate([each for each, _ in parts]))
    logits = [each for _, each in parts if each is not None]
    return Extracted(features, gathered(np.concatenate(logits)) if logits else None)


@contextmanager
def exact_numerics() -> Iterator[None]:
    """Compute in full float32 and by deterministic convolutions; put everything back afterwards."""
    was = (
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.allow_tf32,
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
    )
    try:
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        yield
    finally:
        torch.set_float32_matmul_precision(was[0])
        (
            torch.backends.cudnn.allow_tf32,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ) = was[1:]
