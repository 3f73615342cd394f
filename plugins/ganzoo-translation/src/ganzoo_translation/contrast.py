"""The patchwise contrastive loss of CUT."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn


class Contrast(nn.Module):
    """How well a patch of an image is told to belong to the same patch of another image.

    In each layer, some patches of an image are projected to vectors of length 1, as are those of the
    other image at the same places; each must be most similar to the one at its own place.

    Args:
        channels: of each layer.
        width: of the projections, two linear layers each.
        patches: how many are compared in each image, or all where there are fewer.
        temperature: by which similarities are divided.
    """

    def __init__(
        self, channels: Sequence[int], width: int, *, patches: int, temperature: float
    ) -> None:
        super().__init__()
        self.patches, self.temperature = patches, temperature
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(each, width), nn.ReLU(), nn.Linear(width, width))
            for each in channels
        )

    def forward(
        self, queries: list[torch.Tensor], keys: list[torch.Tensor], rng: torch.Generator
    ) -> torch.Tensor:
        """Return the mean cross-entropy of layers (N, channels, H, W) of images and of their sources.

        Keys get no gradient.
        """
        losses = []
        for project, query, key in zip(self.projections, queries, keys, strict=True):
            places = torch.randperm(query[0, 0].numel(), generator=rng, device=rng.device)
            chosen = places[: self.patches].to(query.device)
            vectors = [
                F.normalize(project(each.flatten(2)[:, :, chosen].transpose(1, 2)), dim=2)
                for each in (query, key)
            ]
            similar = vectors[0] @ vectors[1].detach().transpose(1, 2) / self.temperature
            own = torch.arange(len(chosen), device=query.device).expand(len(query), -1)
            losses.append(F.cross_entropy(similar.transpose(1, 2), own))
        return torch.stack(losses).mean()
