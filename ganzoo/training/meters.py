"""Means of the numbers that a game reports, kept on the device until a line is due."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from ganzoo.errors import TrainingError


@dataclass
class Meters:
    """Sums and counts of named numbers since they were last read.

    A game need not report every number at every step; each has its own mean.
    """

    sums: dict[str, torch.Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, numbers: dict[str, torch.Tensor]) -> None:
        """Add a step's numbers, without waiting for them."""
        known = [name for name in numbers if name in self.sums]
        if known:
            torch._foreach_add_(
                [self.sums[name] for name in known], [numbers[name] for name in known]
            )
        for name, number in numbers.items():
            if name not in self.sums:
                self.sums[name] = number.clone()
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self, step: int) -> dict[str, float]:
        """Return the means, which waits for the device.

        Raises:
            TrainingError: one is not finite.
        """
        if not self.sums:
            return {}
        sums = torch.stack(list(self.sums.values())).to("cpu", copy=True).double().tolist()
        means = {
            name: value / self.counts[name] for name, value in zip(self.sums, sums, strict=True)
        }
        for name, value in means.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"{name} is {value} at step {step}: training has diverged; the last checkpoint is"
                    " from before. Try a lower learning rate"
                )
        return means

    def reset(self) -> None:
        """Begin anew."""
        self.sums, self.counts = {}, {}
