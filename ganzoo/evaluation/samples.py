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

from ganzoo.components import Dataset, DatasetInfo, Mixture
from ganzoo.data.store import ImageStore
from ganzoo.errors import EvaluationError, Problem, SpecError
from ganzoo.sampling import BLOCK, TrainedGenerator, draw_latents, generate
from ganzoo.spec.sections import no_split
from ganzoo.utils.images import to_uint8
from ganzoo.utils.progress import chunks
from ganzoo.utils.seeds import derive_seed

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

QUANTISATION = "clamp to [-1, 1], then round((x + 1) * 127.5)"
"""How generated images become uint8 pixels, which real images are stored as."""

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
    """Samples of a data set.

    Args:
        store: a split.
        name: which samples they are, in words.
        chosen: indices of those to take, or None for all.
    """

    def __init__(
        self, store: ImageStore, name: str = "real samples", chosen: Labels | None = None
    ) -> None:
        self._store, self._chosen, self.name = store, chosen, name
        self.sample_shape: tuple[int, ...] = store.samples.shape[1:]

    def __len__(self) -> int:
        return len(self._store) if self._chosen is None else len(self._chosen)

    @property
    def labels(self) -> Labels | None:
        """Classes of the samples (N,), or None."""
        labels = self._store.labels
        return labels if labels is None or self._chosen is None else labels[self._chosen]

    @cached_property
    def sha256(self) -> str:
        """Hash of their content."""
        return content_hash(self, self.name)

    def subset(self, count: int) -> RealSamples:
        """Return some of the samples, drawn without replacement; all if there are no more."""
        if count >= len(self):
            return self
        # The purpose is part of the seed: another word would draw other samples.
        drawn = np.random.default_rng(derive_seed(0, "floor")).permutation(len(self))
        chosen = np.sort(drawn[:count])
        if self._chosen is not None:
            chosen = self._chosen[chosen]
        return RealSamples(self._store, self.name, chosen)

    def read(self, indices: range) -> Array:
        """Return some samples, as they are stored."""
        if self._chosen is None:
            return np.asarray(self._store.samples[indices.start : indices.stop])
        return np.asarray(self._store.samples[self._chosen[indices.start : indices.stop]])


class GeneratedSamples:
    """Samples of a generator; each is determined by the seed and its index alone.

    Args:
        network: in evaluation mode, with its latent's sampler on the CPU.
        info: what it generates.
        count: number of samples.
        seed: which samples.
        class_weights: frequency of each class (K,), from which labels are drawn; None for unconditional
            generators.
    """

    def __init__(
        self,
        network: TrainedGenerator,
        info: DatasetInfo,
        count: int,
        seed: int,
        class_weights: npt.NDArray[np.float64] | None,
    ) -> None:
        self._network, self._count, self._seed = network, count, seed
        self.sample_shape = info.sample_shape
        self._class_weights = class_weights
        self._images = len(info.sample_shape) == 3

    def __len__(self) -> int:
        return self._count

    @property
    def labels(self) -> Labels | None:
        """Classes the generator is asked for (N,), or None."""
        labels = self._labels(range(self._count))
        return None if labels is None else labels.numpy()

    def read(self, indices: range) -> Array:
        """Generate some samples.

        Raises:
            EvaluationError: some of them are not finite.
        """
        z = draw_latents(self._network.latent, indices, self._seed)
        blocks = generate(self._network.generator, z, self._labels(indices))
        generated = torch.cat(list(blocks)).numpy()
        broken = ~np.isfinite(generated).reshape(len(generated), -1).all(axis=1)
        if broken.any():
            raise EvaluationError(
                f"the generator gives samples that are not finite ({int(broken.sum())} of the"
                f" {len(generated)} from index {indices.start} of seed {self._seed})"
            )
        return to_uint8(generated) if self._images else generated

    def _labels(self, indices: range) -> torch.Tensor | None:
        """Draw labels in blocks with seeds of their own, as latents are."""
        if self._class_weights is None:
            return None
        weights = torch.from_numpy(self._class_weights)
        blocks = range(indices.start // BLOCK, -(-indices.stop // BLOCK))
        drawn = [
            torch.multinomial(
                weights,
                BLOCK,
                replacement=True,
                generator=torch.Generator().manual_seed(derive_seed(self._seed, "labels", block)),
            )
            for block in blocks
        ]
        begin = blocks.start * BLOCK
        return torch.cat(drawn)[indices.start - begin : indices.stop - begin]


def class_weights(store: ImageStore, num_classes: int | None) -> npt.NDArray[np.float64] | None:
    """Return the frequency of each class in a split, or None if the generator takes no classes."""
    if num_classes is None or store.labels is None:
        return None
    counts = np.bincount(store.labels, minlength=num_classes).astype(np.float64)
    frequencies: npt.NDArray[np.float64] = counts / counts.sum()
    return frequencies


@dataclass(frozen=True)
class Reference:
    """Real samples that generated ones are compared with.

    Attributes:
        samples: the samples.
        training: the training split if the samples are held out from it, else None.
        mixture: the distribution of the data if it is known, else None.
        warning: what a reader must know of the reference, or None.
    """

    samples: RealSource
    training: RealSamples | None = None
    mixture: Mixture | None = None
    warning: str | None = None


def open_reference(dataset: Dataset, split: str | None, training: ImageStore) -> Reference:
    """Return what samples of a run are compared with.

    Args:
        dataset: the run's.
        split: the split to compare with; None for ``test`` if there is one, else the training split.
        training: the training split.

    Raises:
        SpecError: the data set does not have the split.
    """
    info = dataset.info()
    chosen = split or ("test" if "test" in info.splits else dataset.split)
    if chosen not in info.splits:
        raise SpecError([Problem("evaluation.reference", no_split(chosen, info))])
    trained_on = RealSamples(training, f"split {dataset.split} of {dataset.type}")
    if chosen == dataset.split:
        return Reference(trained_on, None, dataset.mixture())
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


def content_hash(source: Source, name: str) -> str:
    """Return the SHA-256 of ``"uint8 (N, C, H, W)"``, or so, and of all bytes in order.

    It depends on neither packing, compression nor names: the same images have the same hash in a data
    set and in files.
    """
    digest = hashlib.sha256()
    for begin, part in _parts(source, f"hashing {name}"):
        if begin == 0:
            digest.update(f"{part.dtype} {(len(source), *source.sample_shape)}".encode())
        digest.update(part.data)
    return digest.hexdigest()


def _sample_hashes(source: RealSource) -> Iterator[bytes]:
    """Yield a hash of each sample."""
    for _, part in _parts(source, f"comparing {source.name}"):
        for each in part:
            yield hashlib.blake2b(each.tobytes(), digest_size=16).digest()


def _parts(source: Source, description: str) -> Iterator[tuple[int, Array]]:
    """Yield all samples, a few at a time, with the index of the first."""
    size = CHUNK_BYTES // max(1, int(np.prod(source.sample_shape)))
    for indices in chunks(len(source), max(1, min(CHUNK, size)), description):
        yield indices.start, np.ascontiguousarray(source.read(indices))
