"""Torch's optimizers, called without importing torch's compiler.

Torch decorates its optimizers' methods for ``torch.compile``; the decorators import the compiler when a
method is first called, which takes longer than importing torch. Here optimizers always run eagerly, so
the methods beneath the decorators do. Optimizers that are not torch's own are called as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ganzoo import components


def build_optimizer(spec: components.Optimizer, parameters: list[nn.Parameter]) -> Optimizer:
    """Build an optimizer."""
    decorated = Optimizer.add_param_group
    Optimizer.add_param_group = inspect.unwrap(decorated)  # type: ignore[method-assign] # see above
    try:
        return spec.build(parameters)
    finally:
        Optimizer.add_param_group = decorated  # type: ignore[method-assign] # put back


def undecorated(optimizer: Optimizer, method: str) -> Callable[..., Any]:
    """Return a method of an optimizer, from beneath the decorators if it is one of torch's."""
    function: Callable[..., Any] = getattr(type(optimizer), method)
    hooked = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    if hooked or not type(optimizer).__module__.startswith("torch.optim."):
        bound: Callable[..., Any] = getattr(optimizer, method)
        return bound
    plain = inspect.unwrap(function)

    @torch.no_grad()  # which the decorators see to
    def call(*arguments: Any) -> Any:
        return plain(optimizer, *arguments)

    return call
