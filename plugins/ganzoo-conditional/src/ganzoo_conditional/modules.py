"""The discriminator with further heads and the latent with codes, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

from ganzoo.components import Condition, DiscriminatorOutput
from ganzoo.errors import UsageError


class Cosines(nn.Module):
    """Cosines between vectors (N, width) and a learned vector for each class, (N, classes)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compare vectors with those of the classes."""
        return F.linear(F.normalize(x), F.normalize(self.weight))


class DiscriminatorWithHeads(nn.Module):
    """A discriminator, and what else can be read from its last features.

    Args:
        network: the discriminator. Its last features are those that it gives, or else the input of its
            layer ``head``.
        sample_shape: shape of one sample.
        told: the condition that the network is told of each sample, or None.
        classes: how many to tell apart, or 0.
        embedding: length of the embedding, or 0 for none.
        codes: coordinates to predict, or 0.
        hidden: units of a hidden layer of each head, or 0 for none.
    """

    def __init__(
        self,
        network: nn.Module,
        sample_shape: tuple[int, ...],
        told: Condition | None,
        *,
        classes: int = 0,
        embedding: int = 0,
        codes: int = 0,
        hidden: int = 0,
    ) -> None:
        super().__init__()
        self.network, self.told = network, told is not None
        if isinstance(head := getattr(network, "head", None), nn.Module):
            head.register_forward_pre_hook(_keep_input)
        width = self._width(sample_shape, told)

        def read(outputs: int) -> nn.Module | None:
            if not outputs:
                return None
            if not hidden:
                return nn.Linear(width, outputs)
            layers = nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, outputs)
            return nn.Sequential(*layers)

        self.embedding, self.codes = read(embedding), read(codes)
        self.classes: nn.Module | None
        self.classes = Cosines(embedding, classes) if embedding and classes else read(classes)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor | None = None
    ) -> DiscriminatorOutput:
        """Map samples (N, *sample_shape) and their conditions, or None, to all outputs."""
        output, features = self._read(x, condition if self.told else None)
        embedding = None if self.embedding is None else self.embedding(features)
        of_class = features if embedding is None else embedding
        return replace(
            output,
            class_logits=None if self.classes is None else self.classes(of_class),
            embedding=embedding,
            codes=None if self.codes is None else self.codes(features),
        )

    def _read(
        self, x: torch.Tensor, condition: torch.Tensor | None
    ) -> tuple[DiscriminatorOutput, torch.Tensor]:
        """Return what the network says about samples, and its last features (N, width)."""
        output = self.network(x, condition)
        if not isinstance(output, DiscriminatorOutput):
            output = DiscriminatorOutput(output)
        head, features = getattr(self.network, "head", None), None
        if isinstance(head, nn.Module):  # a tensor that stays there would keep the graph, too
            features = vars(head).pop("kept_input", None)
        if output.features:
            features = output.features[-1]
        if features is None:
            raise UsageError(
                "discriminator.network: gives no features, and has no layer called 'head' to read them"
                " from; choose another network, such as 'dcgan'"
            )
        return output, features.flatten(1)

    @torch.no_grad()
    def _width(self, sample_shape: tuple[int, ...], told: Condition | None) -> int:
        """Return the number of features of a sample, found with a sample of zeros."""
        like = next(self.network.parameters())
        x, condition = torch.zeros(1, *sample_shape, device=like.device, dtype=like.dtype), None
        if told is not None:
            classes = told.kind == "classes"
            condition = like.new_zeros(1 if classes else (1, told.size))
            condition = condition.long() if classes else condition
        training = self.network.training
        self.network.eval()
        _, features = self._read(x, condition)
        self.network.train(training)
        return features.shape[1]


def _keep_input(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Leave the input of a layer with it, for the module around it; copies of the layer do the same."""
    layer.kept_input = inputs[0]


class Codes(nn.Module):
    """Draws codes and noise.

    Args:
        dim: number of coordinates.
        categories: number of values of each categorical code.
        continuous: number of continuous codes.
    """

    def __init__(self, dim: int, categories: Sequence[int], continuous: int) -> None:
        super().__init__()
        self.categories, self.continuous = categories, continuous
        self.noise = dim - sum(categories) - continuous

    def forward(self, n: int, rng: torch.Generator) -> torch.Tensor:
        """Draw latents (n, dim)."""
        device = rng.device
        parts = [
            F.one_hot(torch.randint(size, (n,), generator=rng, device=device), size).float()
            for size in self.categories
        ]
        parts.append(torch.rand(n, self.continuous, generator=rng, device=device) * 2 - 1)
        parts.append(torch.randn(n, self.noise, generator=rng, device=device))
        return torch.cat(parts, dim=1)
