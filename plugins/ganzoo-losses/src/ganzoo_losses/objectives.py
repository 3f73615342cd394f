"""The formulas of adversarial losses: pure functions of raw logits (N,), each to a scalar.

D(x) stands for ``real``, the logits of real samples; D(G(z)) for ``fake``, those of generated ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn


def lsgan_discriminator(real: torch.Tensor, fake: torch.Tensor, a: float, b: float) -> torch.Tensor:
    """Mean (D(x) - b)² + mean (D(G(z)) - a)²: Mao et al. 2017, eq. 2, without its factors 1/2."""
    return (real - b).square().mean() + (fake - a).square().mean()


def lsgan_generator(fake: torch.Tensor, c: float) -> torch.Tensor:
    """Mean (D(G(z)) - c)²: Mao et al. 2017, eq. 2, without its factors 1/2."""
    return (fake - c).square().mean()


def wgan_discriminator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Mean D(G(z)) - mean D(x): minus the distance it estimates. Arjovsky et al. 2017."""
    return fake.mean() - real.mean()


def wgan_generator(fake: torch.Tensor) -> torch.Tensor:
    """-mean D(G(z)). Arjovsky et al. 2017."""
    return -fake.mean()


@torch.no_grad()
def clip_parameters(network: nn.Module, limit: float) -> None:
    """Clamp each parameter to [-limit, limit], in place. Arjovsky et al. 2017, algorithm 1."""
    for parameter in network.parameters():
        if parameter.requires_grad:  # a frozen weight stays as it is
            parameter.clamp_(-limit, limit)


def hinge_discriminator(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))). Lim and Ye 2017."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator(fake: torch.Tensor) -> torch.Tensor:
    """-mean D(G(z)). Lim and Ye 2017."""
    return -fake.mean()


def relativistic_average(higher: torch.Tensor, lower: torch.Tensor) -> torch.Tensor:
    """-mean log sigmoid(h - mean l) - mean log(1 - sigmoid(l - mean h)).

    Jolicoeur-Martineau 2019, RaSGAN.

    Args:
        higher: logits h that should be the higher ones: of real samples in the step of the
            discriminator, of generated samples in that of the generator.
        lower: logits l of the others.
    """
    return F.softplus(lower.mean() - higher).mean() + F.softplus(lower - higher.mean()).mean()


def relativistic_pairing(higher: torch.Tensor, lower: torch.Tensor) -> torch.Tensor:
    """Mean f(h - l), f(t) = -log sigmoid(t) = softplus(-t). Huang et al. 2024.

    Args:
        higher: logits h that should be the higher ones: of real samples in the step of the
            discriminator, of generated samples in that of the generator.
        lower: logits l of the others, as many.
    """
    return F.softplus(lower - higher).mean()


def top_k(
    generator: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
    fake: torch.Tensor,
    real: torch.Tensor | None,
    fraction: float,
) -> torch.Tensor:
    """Return a generator's loss of the generated samples with the highest logits. Sinha et al. 2020.

    Samples with several logits are compared by their mean. Real samples in a comparison are those of
    the same places.

    Args:
        generator: the loss of the logits that are left.
        fake: logits of all generated samples.
        real: logits of real samples, or None.
        fraction: of the samples that are kept, at least one.
    """
    count = max(1, math.ceil(round(len(fake) * fraction, 6)))
    kept = fake.detach().flatten(1).mean(dim=1) if fake.dim() > 1 else fake.detach()
    places = kept.topk(count).indices
    return generator(fake[places], None if real is None else real[places])
