"""The samples of an evaluation: real ones, and those of a generator, each identified by its index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import Dataset, Mixture, SampleSpace
from ganzoo.data.split import Split
from ganzoo.errors import EvaluationError, Problem, SpecError
from ganzoo.sampling import (
    BLOCK,
    Inputs,
    Sampler,
    generate,
    in_blocks,
    latent_inputs,
    source_conditions,
    source_inputs,
)
from ganzoo.spec.sections import no_split
from ganzoo.utils.hashing import content_hash
from ganzoo.utils.progress import chunks
from ganzoo.utils.seeds import derive_seed

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

SHARED = 0.05
"""Fraction of a reference that may be in the training split for it to count as held out."""

CHUNK, CHUNK_BYTES = 1024, 2**26
"""Samples hashed at a time, at most, and bytes, so that a mapped set is never in memory as a whole."""


class Source(Protocol):
    """Samples that are read in parts."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""

    @property
    def labels(self) -> Labels | None:
        """Class of each sample (N,), or None."""

    def __len__(self) -> int: ...

    def read(self, indices: range) -> Array:
        """Return some samples: (n, C, H, W) uint8 images, or (n, D) float32 points."""


class RealSource(Source, Protocol):
    """Real samples, which reports identify."""

    @property
    def name(self) -> str:
        """Which samples they are, in words: ``split test of mnist-5k``."""

    @property
    def sha256(self) -> str:
        """Hash of their content."""


class RealSamples:
    """Samples of a split of a data set, named in words: all, or those of the chosen indices."""

    def __init__(
        self, split: Split, name: str = "real samples", chosen: Labels | None = None
    ) -> None:
        self._split, self._chosen, self.name = split, chosen, name
        self.sample_shape: tuple[int, ...] = split.samples.shape[1:]

    def __len__(self) -> int:
        return len(self._split) if self._chosen is None else len(self._chosen)

    @property
    def labels(self) -> Labels | None:
        """Classes of the samples (N,), or None."""
        labels = self._split.classes
        return labels if labels is None or self._chosen is None else labels[self._chosen]

    @cached_property
    def sha256(self) -> str:
        """Hash of their content."""
        return samples_hash(self, self.name)

    def subset(self, count: int) -> RealSamples:
        """Return some of the samples, drawn without replacement; all if there are no more."""
        if count >= len(self):
            return self
        # The purpose is part of the seed: another word would draw other samples.
        drawn = np.random.default_rng(derive_seed(0, "floor")).permutation(len(self))
        chosen = np.sort(drawn[:count])
        if self._chosen is not None:
            chosen = self._chosen[chosen]
        return RealSamples(self._split, self.name, chosen)

    def read(self, indices: range) -> Array:
        """Return some samples, as they are stored."""
        part = slice(indices.start, indices.stop)
        rows = part if self._chosen is None else self._chosen[part]
        return np.asarray(self._split.samples[rows])


class GeneratedSamples:
    """Samples of a run; each is determined by the seed and its index alone.

    The sampler is in evaluation mode and draws its latents on the CPU. A translator is given the sources
    of a split in order, each with its own condition if the split has them. All other conditions are
    drawn as often as they occur in the training split.
    """

    def __init__(
        self,
        sampler: Sampler,
        space: SampleSpace,
        count: int,
        seed: int,
        training: Split,
        sources: Split | None = None,
    ) -> None:
        self._sampler, self._space, self._seed = sampler, space, seed
        self._training, self._sources = training, sources
        if sources is not None:
            count = 0 if sources.source is None else min(count, len(sources.source))
        self._count = count
        self.sample_shape = space.shape

    def __len__(self) -> int:
        return self._count

    @property
    def labels(self) -> Labels | None:
        """Classes the sampler is asked for (N,), or None."""
        condition = self._condition(range(self._count))
        return None if condition is None or condition.dim() > 1 else condition.numpy()

    def read(self, indices: range) -> Array:
        """Generate some samples; ``EvaluationError`` if they are not finite."""
        inputs = self._inputs(indices)
        blocks = generate(self._sampler, inputs, seed=self._seed, start=indices.start)
        generated = torch.cat(list(blocks)).numpy()
        broken = ~np.isfinite(generated).reshape(len(generated), -1).all(axis=1)
        if broken.any():
            raise EvaluationError(
                f"the generator gives samples that are not finite ({int(broken.sum())} of the"
                f" {len(generated)} from index {indices.start} of seed {self._seed})"
            )
        return self._space.encode(generated)

    def _inputs(self, indices: range) -> Inputs:
        condition = self._condition(indices)
        if self._sources is None:
            return latent_inputs(self._sampler, indices, self._seed, condition)
        rows = slice(indices.start, indices.stop)
        return source_inputs(self._sampler, self._sources, rows, condition)

    def _condition(self, indices: range) -> torch.Tensor | None:
        """Return conditions: those of the sources, or drawn in blocks as latents are."""
        sampler, known = self._sampler, self._training.condition
        if self._sources is not None:
            own = source_conditions(sampler, self._sources, slice(indices.start, indices.stop))
            if own is not None:
                return own
        if sampler.condition is None or known is None:
            return None

        def draw(block: int) -> torch.Tensor:
            rng = torch.Generator().manual_seed(derive_seed(self._seed, "labels", block))
            return torch.multinomial(self._frequencies, BLOCK, replacement=True, generator=rng)

        drawn = in_blocks(indices, draw)
        if sampler.condition.kind == "classes":
            return drawn
        return torch.from_numpy(known[drawn.numpy()])

    @cached_property
    def _frequencies(self) -> torch.Tensor:
        """How often each class of the training split, or each row of its conditions, is drawn."""
        condition, known = self._sampler.condition, self._training.condition
        assert condition is not None  # labels are drawn only where there are some
        assert known is not None  # as above
        if condition.kind != "classes":
            return torch.ones(len(known), dtype=torch.float64)
        counts = np.bincount(known, minlength=condition.size).astype(np.float64)
        return torch.from_numpy(counts / counts.sum())


@dataclass(frozen=True)
class Reference:
    """Real samples that generated ones are compared with.

    The training split stands beside them if they are held out from it, and the distribution of the data
    if it is known; a warning is what a reader must know of the reference.
    """

    samples: RealSource
    training: RealSamples | None = None
    mixture: Mixture | None = None
    warning: str | None = None


def reference_split(dataset: Dataset, split: str | None) -> str:
    """Return the split to compare with: that of this name, else ``test``, else the training split."""
    info = dataset.info()
    chosen = split or ("test" if "test" in info.splits else dataset.split)
    if chosen not in info.splits:
        raise SpecError([Problem("evaluation.reference", no_split(chosen, info))])
    return chosen


def open_reference(dataset: Dataset, split: str | None, training: Split) -> Reference:
    """Return what samples of a run are compared with: a split, or the default one."""
    chosen = reference_split(dataset, split)
    trained_on = RealSamples(training, f"split {dataset.split} of {dataset.type}")
    if chosen == dataset.split:
        return Reference(trained_on, mixture=dataset.mixture())
    real = RealSamples(dataset.build(chosen), f"split {chosen} of {dataset.type}")
    known = set(_sample_hashes(trained_on))
    shared = sum(each in known for each in _sample_hashes(real))
    if not shared:
        return Reference(real, trained_on, dataset.mixture())
    warning = (
        f"{shared:,} of the {len(real):,} reference samples are in {trained_on.name} too, on which the"
        " generator was trained"
    )
    held_out = shared <= SHARED * len(real)  # real data sets contain some images twice
    return Reference(real, trained_on if held_out else None, dataset.mixture(), warning)


def samples_hash(source: Source, name: str) -> str:
    """Return the SHA-256 of ``"uint8 (N, C, H, W)"``, or so, and of all bytes in order.

    It depends on neither packing, compression nor names: the same images have the same hash in a data
    set and in files.
    """
    parts = enumerate(_parts(source, f"hashing {name}"))
    shape = (len(source), *source.sample_shape)
    return content_hash(("" if index else f"{part.dtype} {shape}", part) for index, part in parts)


def _sample_hashes(source: RealSource) -> Iterator[bytes]:
    for part in _parts(source, f"comparing {source.name}"):
        for each in part:
            yield hashlib.blake2b(each.tobytes(), digest_size=16).digest()


def _parts(source: Source, description: str) -> Iterator[Array]:
    """Yield all samples, a few at a time."""
    size = CHUNK_BYTES // max(1, int(np.prod(source.sample_shape)))
    for indices in chunks(len(source), max(1, min(CHUNK, size)), description):
        yield np.ascontiguousarray(source.read(indices))
