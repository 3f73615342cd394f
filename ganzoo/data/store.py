"""One split of a data set, as plain arrays in memory or mapped from disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ImageStore:
    """Samples of one split, with their labels.

    Attributes:
        samples: (N, C, H, W) uint8 for images, or (N, D) float32 for points; an array in memory, or
            a writable (copy-on-write) memory map where the set is large.
        labels: (N,) int64, or None.
    """

    samples: npt.NDArray[Any]
    labels: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Hold the promises above.

        Raises:
            ValueError: a plugin built a store that breaks them.
        """
        shape, dtype = self.samples.shape, self.samples.dtype
        images = dtype == np.uint8 and len(shape) == 4
        points = dtype == np.float32 and len(shape) == 2
        if not (images or points):
            raise ValueError(
                f"samples must be uint8 (N, C, H, W) or float32 (N, D), not {dtype} {shape}"
            )
        if self.labels is not None and (
            self.labels.shape != shape[:1] or self.labels.dtype != np.int64
        ):
            raise ValueError(
                f"labels must be int64 ({shape[0]},), not {self.labels.dtype} {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.samples)
