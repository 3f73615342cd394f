"""Points from mixtures of Gaussians whose modes are known, to see which of them a generator finds."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Condition, Dataset, DatasetInfo, Mixture, Points
from ganzoo.utils.seeds import derive_seed

if TYPE_CHECKING:
    from ganzoo.data.split import Split


class _MixtureOfGaussians(Dataset):
    """Points drawn from a mixture, always the same; the class of a point is the number of its mode."""

    paper: ClassVar[str | None] = (
        "Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational"
        " Learning, 2017, arXiv:1705.07761; Lin et al., PacGAN: The Power of Two Samples in"
        " Generative Adversarial Networks, 2018, arXiv:1712.04086"
    )
    default_metrics: ClassVar[tuple[str, ...]] = ("modes", "fd")
    count: int = Field(default=100_000, ge=1, le=100_000_000, description="Points in each split.")

    @abstractmethod
    def mixture(self) -> Mixture:
        """Return the distribution that the points are drawn from."""

    def info(self) -> DatasetInfo:
        """Describe the samples."""
        centers = self.mixture().centers
        classes = Condition("classes", len(centers))
        return DatasetInfo(Points(len(centers[0])), classes, splits=("train", "test"))

    def build(self, split: str) -> Split:
        """Draw one split; each has a stream of randomness of its own."""
        import numpy as np

        from ganzoo.data.split import Split, check_split

        check_split(split, self.info().splits, self.type)
        mixture = self.mixture()
        rng = np.random.default_rng(derive_seed(0, self.type, split))
        modes = rng.integers(len(mixture.centers), size=self.count)
        centers = np.array(mixture.centers)
        points = centers[modes] + mixture.std * rng.standard_normal((self.count, centers.shape[1]))
        return Split(points.astype(np.float32), modes)


class Ring(_MixtureOfGaussians):
    """Eight Gaussians of standard deviation 0.01, evenly spaced on the unit circle."""

    type: Literal["ring"] = "ring"

    def mixture(self) -> Mixture:
        """Return the distribution that the points are drawn from."""
        angles = [math.tau * mode / 8 for mode in range(8)]
        return Mixture(tuple((math.cos(angle), math.sin(angle)) for angle in angles), std=0.01)


class Grid(_MixtureOfGaussians):
    """Twenty-five Gaussians of standard deviation 0.05 on a grid from -4 to 4, 2 apart."""

    type: Literal["grid"] = "grid"

    def mixture(self) -> Mixture:
        """Return the distribution that the points are drawn from."""
        places = (-4.0, -2.0, 0.0, 2.0, 4.0)
        return Mixture(tuple((x, y) for x in places for y in places), std=0.05)


class Grid100(_MixtureOfGaussians):
    """One hundred Gaussians of standard deviation 0.03 on a grid from -4.5 to 4.5, 1 apart."""

    type: Literal["grid100"] = "grid100"
    paper: ClassVar[str | None] = (
        "Garcia, ParticleGAN: Learnable Priors for Stable GANs, 2025,"
        " https://github.com/255BITS/ParticleGAN"
    )

    def mixture(self) -> Mixture:
        """Return the distribution that the points are drawn from."""
        places = [place - 4.5 for place in range(10)]
        return Mixture(tuple((x, y) for x in places for y in places), std=0.03)
