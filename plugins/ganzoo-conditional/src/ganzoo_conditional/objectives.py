"""The formulas of the auxiliary losses: pure functions of what a discriminator says, each to a scalar.

``classes`` (N,) are those that samples have or were generated for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F  # noqa: N812 - torch's own custom


def multi_hinge(class_logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Mean max(0, 1 - C_y(x) + max over k ≠ y of C_k(x)). Kavalerov et al. 2021."""
    own = F.one_hot(classes, class_logits.shape[1]).bool()
    strongest_other = class_logits.masked_fill(own, -torch.inf).amax(1)
    return F.relu(1 - class_logits[own] + strongest_other).mean()


def contrastive(
    embedding: torch.Tensor, cosines: torch.Tensor, classes: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Conditional contrastive (2C) loss. Kang and Park 2020, eq. 8.

    Minus the logarithm of how much of all similarity to others, in exp(cosine / temperature), is
    similarity to samples of one's class and to the vector of the class itself.

    Args:
        embedding: (N, d), normalized here.
        cosines: (N, K) between embeddings and the vectors of classes.
        classes: (N,).
        temperature: divides all cosines.
    """
    to_class = cosines.gather(1, classes[:, None]) / temperature
    myself = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
    to_others = (_similarities(embedding) / temperature).masked_fill(myself, -torch.inf)
    to_friends = to_others.masked_fill(classes[:, None] != classes, -torch.inf)
    friends, everyone = (
        torch.cat([to_class, each], dim=1).logsumexp(1) for each in (to_friends, to_others)
    )
    return (everyone - friends).mean()


def data_to_data(
    embedding: torch.Tensor,
    cosines: torch.Tensor,
    classes: torch.Tensor,
    *,
    temperature: float,
    positive_margin: float,
    negative_margin: float,
) -> torch.Tensor:
    """Data-to-data cross entropy (D2D-CE). Kang et al. 2021.

    Cross entropy of the similarity to the vector of one's class against those to all samples of other
    classes. What is more similar than the one margin, or less than the other, does not count.

    Args:
        embedding: (N, d), normalized here.
        cosines: (N, K) between embeddings and the vectors of classes.
        classes: (N,).
        temperature: divides all cosines.
        positive_margin: cosine to one's class that is enough.
        negative_margin: cosine to samples of other classes that is little enough.
    """
    to_class = cosines.gather(1, classes[:, None])
    attraction = (to_class - positive_margin).clamp(max=0) / temperature
    repulsion = (_similarities(embedding) - negative_margin).clamp(min=0) / temperature
    repulsion = repulsion.masked_fill(classes[:, None] == classes, -torch.inf)
    everyone = torch.cat([attraction, repulsion], dim=1).logsumexp(1)
    return (everyone - attraction[:, 0]).mean()


def information(
    predicted: torch.Tensor,
    latents: torch.Tensor,
    categories: Sequence[int],
    *,
    continuous_weight: float,
) -> torch.Tensor:
    """-log Q(c | x), up to a constant. Chen et al. 2016.

    Q is categorical for categorical codes, and normal with deviation 1 for continuous ones.

    Args:
        predicted: (N, codes), logits of categorical codes, then means of continuous ones.
        latents: (N, dim) that samples were generated from, codes first.
        categories: number of values of each categorical code.
        continuous_weight: factor on the term of continuous codes.
    """
    codes = latents[:, : predicted.shape[1]]
    sizes = [*categories, predicted.shape[1] - sum(categories)]
    *logits, means = torch.split(predicted, sizes, dim=1)
    *drawn, values = torch.split(codes, sizes, dim=1)
    squared = (means - values).square().sum(1).mean()
    terms = (F.cross_entropy(*pair) for pair in zip(logits, drawn, strict=True))
    return sum(terms, start=continuous_weight * squared / 2)


def _similarities(embedding: torch.Tensor) -> torch.Tensor:
    """Return the cosines (N, N) between all embeddings."""
    directions = F.normalize(embedding)
    return directions @ directions.T
