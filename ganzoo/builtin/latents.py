"""Distributions of latents."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Latent

if TYPE_CHECKING:
    import torch
    from torch import nn


class Normal(Latent):
    """Independent normal coordinates."""

    type: Literal["normal"] = "normal"
    std: float = Field(default=1.0, gt=0, description="Standard deviation of each coordinate.")

    def truncated(self, threshold: float) -> Latent:
        """Return normals drawn again until they lie within ``threshold`` standard deviations."""
        _check_threshold(threshold)
        return TruncatedNormal(dim=self.dim, std=self.std, threshold=threshold)

    def build(self) -> nn.Module:
        import torch

        def draw(n: int, rng: torch.Generator) -> torch.Tensor:
            return torch.randn(n, self.dim, generator=rng, device=rng.device) * self.std

        return _module(draw)


class TruncatedNormal(Latent):
    """Normal coordinates cut off at a threshold: fewer outliers, less variety."""

    type: Literal["truncated_normal"] = "truncated_normal"
    paper: ClassVar[str | None] = (
        "Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019,"
        " arXiv:1809.11096"
    )
    std: float = Field(default=1.0, gt=0, description="Standard deviation before truncation.")
    threshold: float = Field(
        default=2.0, gt=0, description="Largest magnitude, in standard deviations."
    )

    def truncated(self, threshold: float) -> Latent:
        """Return the same normals with the smaller of both thresholds."""
        _check_threshold(threshold)
        return self.model_copy(update={"threshold": min(self.threshold, threshold)})

    def build(self) -> nn.Module:
        """Build what draws by the inverse of the distribution."""
        import torch

        def draw(n: int, rng: torch.Generator) -> torch.Tensor:
            uniform = torch.rand(n, self.dim, generator=rng, device=rng.device)
            half_mass = math.erf(self.threshold / math.sqrt(2))
            values = math.sqrt(2) * torch.erfinv((2 * uniform - 1) * half_mass)
            return values.clamp(-self.threshold, self.threshold) * self.std

        return _module(draw)


class Uniform(Latent):
    """Independent uniform coordinates."""

    type: Literal["uniform"] = "uniform"
    low: float = Field(default=-1.0, description="Lower end of the interval.")
    high: float = Field(default=1.0, description="Upper end of the interval.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("interval", "'low' must be less than 'high'")
        return self

    def truncated(self, threshold: float) -> Latent:
        """Return the interval shrunk about its middle to the share ``threshold`` of its length."""
        if not 0 < threshold <= 1:
            raise ValueError(f"uniform latents are truncated by a share in (0, 1], not {threshold}")
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return self.model_copy(
            update={"low": middle - half * threshold, "high": middle + half * threshold}
        )

    def build(self) -> nn.Module:
        import torch

        def draw(n: int, rng: torch.Generator) -> torch.Tensor:
            uniform = torch.rand(n, self.dim, generator=rng, device=rng.device)
            return self.low + (self.high - self.low) * uniform

        return _module(draw)


def _module(draw: Callable[[int, torch.Generator], torch.Tensor]) -> nn.Module:
    """Return a function that draws latents as a module, which has no state."""
    from torch import nn

    class Drawing(nn.Module):
        def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
            return draw(n, rng)

    return Drawing()


def _check_threshold(threshold: float) -> None:
    if not (threshold > 0 and math.isfinite(threshold)):
        raise ValueError(f"the truncation must be more than 0 standard deviations, not {threshold}")


COMPONENTS: tuple[type[Component], ...] = (Normal, TruncatedNormal, Uniform)
