"""What networks are built with, in torch: embeddings of conditions, parametrized weights."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations

from ganzoo.components import Condition, Network


def embedding(condition: Condition, width: int) -> nn.Embedding | nn.Linear:
    """Build a module that maps the conditions of N samples to vectors (N, width).

    Classes are looked up in a table; labels and values are multiplied by a matrix.
    """
    if condition.kind == "classes":
        return nn.Embedding(condition.size, width)
    return nn.Linear(condition.size, width, bias=False)


def parametrized(network: nn.Module, component: Network) -> nn.Module:
    """Apply a component's ``parametrizations`` to the network that it built, and return the network.

    Weights that start at zero have no direction that could be normalized: they are drawn anew.
    """
    layers = [
        (layer, weight)
        for layer in network.modules()
        if (weight := layer._parameters.get("weight")) is not None and weight.dim() > 1
    ]
    for name in component.parametrizations:
        for layer, weight in layers:
            # Of a convolution, torch would make each kernel orthogonal, which bounds nothing.
            if name != "orthogonal" or weight.dim() == 2:
                if not weight.is_meta and not weight.any():
                    nn.init.xavier_normal_(weight)
                getattr(parametrizations, name)(layer, "weight")
    return network
