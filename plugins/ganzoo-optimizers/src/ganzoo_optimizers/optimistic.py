"""Optimistic Adam in torch."""

from __future__ import annotations

from typing import Any

import torch


class OptimisticAdam(torch.optim.Optimizer):
    """Adam whose steps are twice the present direction, less the last one.

    Algorithm 1 of Daskalakis et al. 2018: ``w -= lr * (2 * d[t] - d[t - 1])``, where ``d`` is Adam's
    direction and ``d[0]`` is 0.

    Args:
        groups: parameter groups; ganzoo sets ``lr``, ``betas`` and ``weight_decay`` before each step.
        eps: added to the denominator.
    """

    def __init__(self, groups: list[dict[str, Any]], *, eps: float = 1e-8) -> None:
        defaults = {"lr": 2e-4, "betas": (0.5, 0.999), "eps": eps, "weight_decay": 0.0}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # there is no loss to return
        """Update the weights by their gradients."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(
        self, parameter: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]
    ) -> None:
        state, (first, second) = self.state[parameter], group["betas"]
        if not state:
            state["step"] = 0
            for name in ("exp_avg", "exp_avg_sq", "direction"):
                state[name] = torch.zeros_like(parameter)
        state["step"] += 1
        if group["weight_decay"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        mean = state["exp_avg"].lerp_(gradient, 1 - first)
        square = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = (square / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
        direction = (mean / (1 - first ** state["step"])).div_(root)
        parameter.sub_(2 * direction - state["direction"], alpha=group["lr"])
        state["direction"] = direction
