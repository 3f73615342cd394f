"""Optimizers: torch's own, in their fused form where the device has one."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Optimizer, Schedule, component_field

if TYPE_CHECKING:
    import torch

Groups = list[dict[str, Any]]


def _check_beta(beta: Schedule) -> Schedule:
    if not all(0 <= value < 1 for value in beta.values()):
        raise PydanticCustomError("beta", "must stay in [0, 1)")
    return beta


Beta = Annotated[Schedule, AfterValidator(_check_beta)]
Betas = Annotated[tuple[Beta, Beta], Field(strict=False)]


class _Adam(Optimizer):
    """What both forms of Adam share."""

    betas: Betas = Field(
        default=(0.5, 0.999),  # type: ignore[assignment] # validated as a spec's own numbers are
        description="Decay of the first and second moments, each a number or a schedule; a first moment"
        " of 0.5 steadies GANs (Radford et al. 2016).",
    )
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")

    def _first_betas(self) -> tuple[float, float]:
        first, second = (beta.build()(0.0) for beta in self.betas)
        return first, second


class Adam(_Adam):
    """Adam: steps scaled by running moments of the gradient."""

    type: Literal["adam"] = "adam"
    paper: ClassVar[str | None] = (
        "Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, arXiv:1412.6980"
    )
    weight_decay: Schedule = component_field(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        betas = self._first_betas()
        return _build("Adam", groups, betas=betas, eps=self.eps, fused=_fused(groups))


class AdamW(_Adam):
    """Adam with weight decay apart from the gradient."""

    type: Literal["adamw"] = "adamw"
    paper: ClassVar[str | None] = (
        "Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, arXiv:1711.05101"
    )
    weight_decay: Schedule = component_field(
        "constant",
        value=0.01,
        description="Fraction by which each weight decays, times the learning rate.",
    )

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        betas = self._first_betas()
        return _build("AdamW", groups, betas=betas, eps=self.eps, fused=_fused(groups))


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted."""

    type: Literal["sgd"] = "sgd"
    paper: ClassVar[str | None] = (
        "Robbins and Monro, A Stochastic Approximation Method, 1951;"
        " Sutskever et al., On the importance of initialization and momentum, 2013"
    )
    momentum: Schedule = component_field(
        "constant", value=0.0, description="Fraction of the last step that is kept."
    )
    nesterov: bool = Field(default=False, description="Whether Nesterov's momentum is used.")
    weight_decay: Schedule = component_field(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    @model_validator(mode="after")
    def _check_nesterov(self) -> Self:
        if self.nesterov and max(self.momentum.values()) == 0:
            raise PydanticCustomError("nesterov", "'nesterov' needs a momentum above 0")
        return self

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        momentum, nesterov = max(self.momentum.values()), self.nesterov
        return _build("SGD", groups, momentum=momentum, nesterov=nesterov, fused=_fused(groups))


class RMSprop(Optimizer):
    """RMSprop: steps scaled by a running mean of squared gradients, as in the WGAN paper."""

    type: Literal["rmsprop"] = "rmsprop"
    paper: ClassVar[str | None] = "Tieleman and Hinton, Lecture 6.5: rmsprop, 2012"
    alpha: float = Field(default=0.99, ge=0, lt=1, description="Decay of the running mean.")
    eps: float = Field(default=1e-8, gt=0, description="Added to the denominator.")
    momentum: float = Field(
        default=0.0, ge=0, description="Fraction of the last step that is kept."
    )
    weight_decay: Schedule = component_field(
        "constant", value=0.0, description="Factor of the L2 penalty added to the gradient."
    )

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Build torch's RMSprop, which has no fused form."""
        options = {"alpha": self.alpha, "eps": self.eps, "momentum": self.momentum}
        return _build("RMSprop", groups, **options, foreach=True)


def _build(name: str, groups: Groups, **options: Any) -> torch.optim.Optimizer:
    """Build one of torch's optimizers."""
    import torch

    optimizer: torch.optim.Optimizer = _uncompiled(getattr(torch.optim, name))(groups, **options)
    return optimizer


def _fused(groups: Groups) -> bool:
    """Return whether all parameters lie where torch has fused optimizers."""
    return all(
        parameter.device.type in {"cpu", "cuda", "mps"} and parameter.is_floating_point()
        for group in groups
        for parameter in group["params"]
    )


@functools.cache
def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[Any]:
    """Return one of torch's optimizers without the decorators that are there for its compiler.

    The decorators import the compiler when a method is first called, which takes longer than importing
    torch; in training, optimizers always run eagerly.
    """
    import torch

    names = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")
    methods = {name: inspect.unwrap(getattr(optimizer, name)) for name in names}
    step: Any = torch.no_grad()(inspect.unwrap(optimizer.step))  # the decorators see to that, too
    step.hooked = True  # torch's mark of a step that its profiler has been added to
    return type(optimizer.__name__, (optimizer,), {**methods, "step": step})


COMPONENTS: tuple[type[Component], ...] = (Adam, AdamW, SGD, RMSprop)
