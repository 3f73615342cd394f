"""Directions in latent space that change images most, found without labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ganzoo.errors import UsageError
from ganzoo_latents.space import LatentSpace

SAMPLES = 2048
"""Latents whose activations the principal components are found from."""


@dataclass(frozen=True)
class Directions:
    """Unit directions, the strongest first.

    Attributes:
        vectors: (K, dim).
        shares: the share of the variance that each explains, of all directions together.
    """

    vectors: torch.Tensor
    shares: list[float]

    def __len__(self) -> int:
        return len(self.vectors)


def sefa(space: LatentSpace, count: int) -> Directions:
    """Return the directions that the first layer stretches most.

    They are the eigenvectors of ``A.T @ A``, where A is the weight of the first layer that latents pass
    (Shen and Zhou, Closed-Form Factorization of Latent Semantics in GANs, 2021, arXiv:2007.06600).

    Raises:
        UsageError: the network does not begin with a layer that is linear in the latents.
    """
    dim = space.dim
    basis = torch.cat([torch.zeros(1, dim), torch.eye(dim), 2 * torch.eye(dim)])
    outputs = _first_layer(space, basis, after=True).double()
    weight, twice = outputs[1 : dim + 1] - outputs[0], outputs[dim + 1 :] - outputs[0]
    if not torch.allclose(twice, 2 * weight, rtol=1e-3, atol=1e-4 * float(weight.abs().max())):
        raise UsageError(f"{space.run.path}: the generator does not begin with a linear layer")
    values, vectors = torch.linalg.eigh(weight @ weight.T)  # in ascending order
    return _strongest(vectors.T.flip(0), values.flip(0), count)


def ganspace(space: LatentSpace, count: int) -> Directions:
    """Return the directions that go with the principal components of activations.

    The activations are those that the second layer with weights is given; latents are regressed on their
    components (Härkönen et al., GANSpace, 2020, arXiv:2004.02546).

    Raises:
        UsageError: the network has a single layer.
    """
    latents = space.latents(SAMPLES, seed=0)
    activations = _first_layer(space, latents, after=False).double()
    centered = activations - activations.mean(dim=0)
    rank = min(count, space.dim, *centered.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, values, components = torch.pca_lowrank(centered, q=min(2 * rank, *centered.shape))
    coordinates = centered @ components[:, :rank]
    solution = torch.linalg.lstsq(coordinates, (latents - latents.mean(dim=0)).double()).solution
    total = float(centered.square().sum())
    shares = [float(value) ** 2 / total for value in values[:rank]]
    return Directions(_unit(solution).float(), shares)


def _strongest(vectors: torch.Tensor, values: torch.Tensor, count: int) -> Directions:
    shares = (values / values.sum()).tolist()
    return Directions(_unit(vectors[:count]).float(), shares[:count])


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    """Return vectors of length 1 whose largest coordinate is positive, so that signs are not random."""
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    signed: torch.Tensor = vectors * largest.sign()
    unit: torch.Tensor = signed / signed.norm(dim=1, keepdim=True)
    return unit


@torch.no_grad()
def _first_layer(space: LatentSpace, latents: torch.Tensor, *, after: bool) -> torch.Tensor:
    """Return, flat, what the first layer that latents pass gives, or what the second one is given.

    All images have the same condition, so that only the latents tell them apart.
    """
    seen: list[torch.Tensor] = []

    def watch(_module: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        tensors = (given[0], output)
        # A layer that reads a condition alone gives the same for every latent.
        if all(len(each) == len(latents) for each in tensors) and not (output == output[:1]).all():
            seen.append(tensors[1 if after else 0].flatten(1))

    network = space.sampler.network
    hooks = [
        module.register_forward_hook(watch) for module in network.modules() if _has_weights(module)
    ]
    condition = space.conditions(1)
    try:
        space.forward(latents, None if condition is None else _repeated(condition, len(latents)))
    finally:
        for hook in hooks:
            hook.remove()
    wanted = 0 if after else 1
    if len(seen) <= wanted:
        raise UsageError(
            f"{space.run.path}: the generator has too few layers to find directions in"
        )
    return seen[wanted]


def _has_weights(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    matrix = isinstance(weight, torch.Tensor) and weight.dim() > 1
    return matrix and not isinstance(module, nn.Embedding)


def _repeated(condition: torch.Tensor, count: int) -> torch.Tensor:
    return condition[:1].expand(count, *condition.shape[1:])
