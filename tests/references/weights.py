"""Giving a network of the zoo the weights of a published one."""

from __future__ import annotations

import torch
from torch import nn


def shapes(network: nn.Module) -> list[tuple[int, ...]]:
    """Return the shapes of all parameters, layer by layer."""
    return [tuple(parameter.shape) for parameter in network.parameters()]


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers in the order of the layers, whatever their names.

    Raises:
        ValueError: the networks differ in number or shapes of what is to be copied.
    """
    for ours, theirs in (
        (list(target.parameters()), list(source.parameters())),
        (list(target.buffers()), list(source.buffers())),
    ):
        if [each.shape for each in ours] != [each.shape for each in theirs]:
            raise ValueError(f"{shapes(target)} is not {shapes(source)}")
        with torch.no_grad():
            for mine, published in zip(ours, theirs, strict=True):
                mine.copy_(published)
