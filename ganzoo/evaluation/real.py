"""Real samples that generated ones are compared with, known by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganzoo.components import Mixture
from ganzoo.evaluation.samples import RealSamples, SampleSet
from ganzoo.utils.seeds import derive_seed

HASHED = 2**26
"""Bytes hashed at a time, so that a mapped set is not read into memory as a whole."""

READ = 1024
"""Samples hashed one by one at a time."""


@dataclass(frozen=True)
class RealSet:
    """Real samples with what reports say of them.

    Attributes:
        samples: the samples.
        source: which they are: ``split test of mnist-5k``.
        sha256: hash of their content.
    """

    samples: SampleSet
    source: str
    sha256: str

    @classmethod
    def of(cls, samples: SampleSet, source: str) -> RealSet:
        """Hash the samples."""
        return cls(samples, source, content_hash(samples))

    def described(self) -> dict[str, Any]:
        """Return what a protocol says of them."""
        return {"samples": self.source, "count": len(self.samples), "sha256": self.sha256}


@dataclass(frozen=True)
class TrainingSet(RealSet):
    """The split that was trained on.

    Attributes:
        samples: the samples, which can be taken in part.
    """

    samples: RealSamples

    @classmethod
    def of(cls, samples: RealSamples, source: str) -> TrainingSet:  # type: ignore[override] # it is one kind
        """Hash the samples."""
        return cls(samples, source, content_hash(samples))

    def part(self, count: int) -> RealSet:
        """Return so many of the samples, drawn without replacement; all where there are no more."""
        if count >= len(self.samples):
            return self
        drawn = np.random.default_rng(derive_seed(0, "floor")).permutation(len(self.samples))
        return RealSet.of(self.samples.part(np.sort(drawn[:count])), self.source)


@dataclass(frozen=True)
class Reference:
    """What generated samples are compared with.

    Attributes:
        real: the samples they are compared with.
        training: the split that was trained on where that is another one, else None.
        mixture: the distribution of the data, where it is known.
        title: what reports call it; None for the source of the samples.
        warning: what a reader must know of it, or None.
    """

    real: RealSet
    training: TrainingSet | None = None
    mixture: Mixture | None = None
    title: str | None = None
    warning: str | None = None

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.title or self.real.source


def content_hash(samples: SampleSet) -> str:
    """Return the SHA-256 of samples: of ``"uint8 (n, C, H, W)"`` or so, and of all bytes in order.

    It is that of ``LooseImages.sha256``: the same images have it in a data set and in files.
    """
    dtype = "uint8" if len(samples.sample_shape) == 3 else "float32"
    digest = hashlib.sha256(f"{dtype} {(len(samples), *samples.sample_shape)}".encode())
    step = max(1, HASHED // max(1, int(np.prod(samples.sample_shape))))
    for begin in range(0, len(samples), step):
        part = samples.read(range(begin, min(begin + step, len(samples))))
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def shared_samples(one: SampleSet, other: SampleSet) -> int:
    """Return how many samples of one set are in another, too."""
    known = set(_hashes(other))
    return sum(each in known for each in _hashes(one))


def _hashes(samples: SampleSet) -> Iterator[bytes]:
    for begin in range(0, len(samples), READ):
        part = samples.read(range(begin, min(begin + READ, len(samples))))
        for each in np.ascontiguousarray(part):
            yield hashlib.blake2b(each.tobytes(), digest_size=16).digest()
