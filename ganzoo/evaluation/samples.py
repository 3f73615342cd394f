"""Sets of samples to be judged: real ones, and those of a generator, each found by its index."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import DatasetInfo
from ganzoo.data.store import ImageStore
from ganzoo.errors import EvaluationError
from ganzoo.sampling import BLOCK, TrainedGenerator, draw_latents, generate
from ganzoo.utils.images import to_uint8
from ganzoo.utils.seeds import derive_seed

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

QUANTISATION = "clamp to [-1, 1], then round((x + 1) * 127.5)"
"""How generated images become the uint8 pixels that real images are stored as."""


class SampleSet(Protocol):
    """A set of samples that can be read in parts."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""

    @property
    def labels(self) -> Labels | None:
        """Class of each sample (N,), or None."""

    def __len__(self) -> int: ...

    def read(self, indices: range) -> Array:
        """Return some samples: (n, C, H, W) uint8 images, or (n, D) float32 points."""


class RealSamples:
    """Samples of a data set.

    Args:
        store: a split.
        chosen: indices of those to take, or None for all.
    """

    def __init__(self, store: ImageStore, chosen: Labels | None = None) -> None:
        self._store, self._chosen = store, chosen
        self.sample_shape: tuple[int, ...] = store.samples.shape[1:]

    def __len__(self) -> int:
        return len(self._store) if self._chosen is None else len(self._chosen)

    @property
    def labels(self) -> Labels | None:
        """Classes of the samples (N,), or None."""
        labels = self._store.labels
        return labels if labels is None or self._chosen is None else labels[self._chosen]

    def part(self, chosen: Labels) -> RealSamples:
        """Return some of these samples, by their indices (n,)."""
        return RealSamples(self._store, chosen if self._chosen is None else self._chosen[chosen])

    def read(self, indices: range) -> Array:
        """Return some samples, as they are stored."""
        if self._chosen is None:
            return np.asarray(self._store.samples[indices.start : indices.stop])
        return np.asarray(self._store.samples[self._chosen[indices.start : indices.stop]])


class GeneratedSamples:
    """Samples of a generator; each follows from the seed and its index alone.

    Args:
        network: in evaluation mode; its latent's sampler on the CPU.
        info: what it makes.
        count: samples there are.
        seed: which ones.
        class_weights: share of each class (K,), from which labels are drawn; None for unconditional
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
        """Make some samples.

        Raises:
            EvaluationError: the generator makes numbers that are not finite.
        """
        z = draw_latents(self._network.latent, indices, self._seed)
        made = torch.cat(list(generate(self._network.generator, z, self._labels(indices)))).numpy()
        broken = ~np.isfinite(made).reshape(len(made), -1).all(axis=1)
        if broken.any():
            raise EvaluationError(
                f"the generator makes samples that are not finite ({int(broken.sum())} of the"
                f" {len(made)} from index {indices.start} of seed {self._seed})"
            )
        return to_uint8(made) if self._images else made

    def _labels(self, indices: range) -> torch.Tensor | None:
        """Draw labels in blocks of their own seeds, as latents are."""
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
    """Return the share of each class in a split, or None where a generator takes no classes."""
    if num_classes is None or store.labels is None:
        return None
    counts = np.bincount(store.labels, minlength=num_classes).astype(np.float64)
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares
