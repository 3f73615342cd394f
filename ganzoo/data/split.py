"""One split of a data set, as plain arrays in memory or mapped from disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ganzoo.components import SampleSpace, space_of
from ganzoo.errors import DataError

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Samples of one split, with what belongs to them.

    Each array is in memory or, where the set is large, a writable (copy-on-write) memory map.

    Attributes:
        samples: (N, C, H, W) uint8 or uint16 images; or (N, D) points, (N, C, L) sequences or
            (N, …) arrays, float32.
        condition: (N,) int64 classes, (N, k) float32 labels or values, or None.
        source: what samples are translated from, of any of the forms of ``samples``, or None. As many
            as samples where they are paired.
        paired: whether source i belongs to sample i.
    """

    samples: Array
    condition: Array | None = None
    source: Array | None = None
    paired: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError where a plugin built a split that breaks the invariants above."""
        count = len(self.samples)
        space_of(self.samples.shape[1:], str(self.samples.dtype))
        condition, source = self.condition, self.source
        if condition is not None:
            classes = condition.ndim == 1 and condition.dtype == np.int64
            vectors = condition.ndim == 2 and condition.dtype == np.float32
            if len(condition) != count or not (classes or vectors):
                raise ValueError(
                    f"conditions must be int64 ({count},) or float32 ({count}, k), not"
                    f" {condition.dtype} {condition.shape}"
                )
        if source is not None:
            space_of(source.shape[1:], str(source.dtype))
            if self.paired and len(source) != count:
                raise ValueError(f"{count} samples cannot be paired with {len(source)} sources")

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def classes(self) -> npt.NDArray[np.int64] | None:
        """The class of each sample (N,), or None where conditions are not classes."""
        condition = self.condition
        return condition if condition is not None and condition.ndim == 1 else None

    def drawn(self, count: int) -> Split:
        """Return some samples in their order, always the same: the first of a fixed shuffled order.

        Classes take turns in it, so that all have the same number of samples, as far as they go. Paired
        sources follow their samples; unpaired ones are all kept.

        Raises:
            DataError: there are fewer.
        """
        if count > len(self):
            raise DataError(
                f"dataset.limit: {count:,} is more than the {len(self):,} samples of the split"
            )
        order = np.random.default_rng(0).permutation(len(self))
        if self.classes is not None:
            shuffled = self.classes[order]
            turn = np.empty(len(order), dtype=np.int64)
            for each in np.unique(shuffled):
                turn[shuffled == each] = np.arange(np.count_nonzero(shuffled == each))
            order = order[np.argsort(turn, kind="stable")]
        rows = np.sort(order[:count])
        source = self.source[rows] if self.source is not None and self.paired else self.source
        condition = None if self.condition is None else self.condition[rows]
        return Split(self.samples[rows], condition, source, self.paired)

    @cached_property
    def space(self) -> SampleSpace:
        """What the samples are."""
        return space_of(self.samples.shape[1:], str(self.samples.dtype))

    @cached_property
    def source_space(self) -> SampleSpace | None:
        """What the sources are, or None."""
        source = self.source
        return None if source is None else space_of(source.shape[1:], str(source.dtype))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.samples, self.condition, self.source)
        return sum(each.nbytes for each in arrays if each is not None)


def check_split(name: str, splits: Iterable[str], where: object) -> None:
    """Raise DataError, starting with ``where``, where a data set does not have a split."""
    available = list(splits)
    if name not in available:
        listed = ", ".join(available) or "none"
        raise DataError(f"{where} has no split {name!r} (available: {listed})")


def as_tensor(array: Array) -> torch.Tensor:
    """Return stored samples as a tensor: 16-bit images as int16 bit patterns, which torch can index."""
    import torch

    array = np.ascontiguousarray(array)
    return torch.from_numpy(array.view(np.int16) if array.dtype == np.uint16 else array)
