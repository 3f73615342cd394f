"""Optimizers: torch's own, in their fused form where the device has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Optimizer, Schedule, choice

if TYPE_CHECKING:
    import torch
    from torch import nn

Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[tuple[Beta, Beta], Field(strict=False)]


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient."""

    type: Literal["adam"] = "adam"
    paper: ClassVar[str | None] = (
        "Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, arXiv:1412.6980"
    )
    betas: Betas = Field(
        default=(0.5, 0.999),
        description="Decay of the first and second moments; a first moment of 0.5 steadies GANs"
        " (Radford et al. 2016).",
    )
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")
    weight_decay: Schedule = choice(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build ``torch.optim.Adam``."""
        import torch

        return torch.optim.Adam(
            parameters, betas=self.betas, eps=self.eps, fused=_fused(parameters)
        )


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient."""

    type: Literal["adamw"] = "adamw"
    paper: ClassVar[str | None] = (
        "Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, arXiv:1711.05101"
    )
    betas: Betas = Field(default=(0.5, 0.999), description="Decay of the first and second moments.")
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")
    weight_decay: Schedule = choice(
        "constant",
        value=0.01,
        description="Share of each weight taken off, times the learning rate.",
    )

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build ``torch.optim.AdamW``."""
        import torch

        return torch.optim.AdamW(
            parameters, betas=self.betas, eps=self.eps, fused=_fused(parameters)
        )


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted."""

    type: Literal["sgd"] = "sgd"
    paper: ClassVar[str | None] = (
        "Robbins and Monro, A Stochastic Approximation Method, 1951;"
        " Sutskever et al., On the importance of initialization and momentum, 2013"
    )
    momentum: Schedule = choice("constant", value=0.0, description="Share of the last step kept.")
    nesterov: bool = Field(default=False, description="Whether Nesterov's momentum is used.")
    weight_decay: Schedule = choice(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    @model_validator(mode="after")
    def _check_nesterov(self) -> Self:
        if self.nesterov and max(self.momentum.values()) == 0:
            raise PydanticCustomError("nesterov", "'nesterov' needs a momentum above 0")
        return self

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build ``torch.optim.SGD``."""
        import torch

        return torch.optim.SGD(
            parameters,
            momentum=max(self.momentum.values()),
            nesterov=self.nesterov,
            fused=_fused(parameters),
        )


class RMSprop(Optimizer):
    """RMSprop: steps scaled by a running mean of squared gradients, as in the WGAN paper."""

    type: Literal["rmsprop"] = "rmsprop"
    paper: ClassVar[str | None] = "Tieleman and Hinton, Lecture 6.5: rmsprop, 2012"
    alpha: float = Field(default=0.99, ge=0, lt=1, description="Decay of the running mean.")
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")
    momentum: float = Field(default=0.0, ge=0, description="Share of the last step kept.")
    weight_decay: Schedule = choice(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Build ``torch.optim.RMSprop``, which has no fused form."""
        import torch

        return torch.optim.RMSprop(
            parameters,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            foreach=True,
        )


def _fused(parameters: list[nn.Parameter]) -> bool:
    """Say whether all parameters lie where torch has fused optimizers."""
    return all(
        parameter.device.type in {"cpu", "cuda", "mps"} and parameter.is_floating_point()
        for parameter in parameters
    )


COMPONENTS: tuple[type[Component], ...] = (Adam, AdamW, SGD, RMSprop)
