"""A latent that is learned with the generator: a mixture of Gaussians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Latent

if TYPE_CHECKING:
    from torch import nn


class LearnedMixture(Latent):
    """A mixture of Gaussians whose means and deviations are trained with the generator.

    A latent is the mean of one component, all equally probable, plus noise times its deviations. A
    generator is continuous: it must put some samples between the modes of its data, or bend sharply.
    Components of the latent can move apart instead. Thousands of them with a ``std`` of 0 are what
    ParticleGAN calls particles.
    """

    type: Literal["learned_mixture"] = "learned_mixture"
    paper: ClassVar[str | None] = (
        "Gurumurthy et al., DeLiGAN: Generative Adversarial Networks for Diverse and Limited Data, 2017,"
        " arXiv:1706.02071; Garcia, ParticleGAN: Learnable Priors for Stable GANs, 2025,"
        " https://github.com/255BITS/ParticleGAN"
    )
    components: int = Field(
        default=100, ge=1, le=10_000_000, description="Gaussians in the mixture."
    )
    std: float = Field(
        default=0.2,
        ge=0,
        description="Standard deviation of each coordinate of each component at first, learned as the"
        " means are. 0: none, and the latents are the means themselves.",
    )
    noise: float = Field(
        default=1.0, ge=0, description="Factor of the noise; truncated sampling lowers it."
    )

    def truncated(self, threshold: float) -> Latent:
        """Return the mixture with less noise: the means stay where they are."""
        if not 0 <= threshold < math.inf:
            raise ValueError(f"the truncation must be a factor of 0 or more, not {threshold}")
        return self.model_copy(update={"noise": self.noise * threshold})

    def build(self) -> nn.Module:
        """Build the module that draws latents."""
        from ganzoo_mixtures.prior import LearnedMixture

        return LearnedMixture(self.components, self.dim, self.std, self.noise)
