"""The discriminator and the loss in torch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import DiscriminatorOutput, LossInputs


class Classifier(nn.Module):
    """A hidden layer with two heads.

    Args:
        sample_shape: shape of one sample.
        hidden: units of the hidden layer.
        classes: number of classes, or 0.
    """

    def __init__(self, sample_shape: tuple[int, ...], hidden: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(sample_shape), hidden), nn.LeakyReLU(0.2)
        )
        self.real = nn.Linear(hidden, 1)
        self.classes = nn.Linear(hidden, classes) if classes else None

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor | None = None
    ) -> DiscriminatorOutput:
        """Map samples to logits (N,) and class logits (N, classes)."""
        features = self.body(x)
        class_logits = None if self.classes is None else self.classes(features)
        return DiscriminatorOutput(self.real(features).view(-1), class_logits=class_logits)


def classification(inputs: LossInputs) -> torch.Tensor:
    """-log P(C = c | x), of fake samples and, on the discriminator's side, of real ones too."""
    outputs = [inputs.fake_output]
    if inputs.side == "discriminator" and inputs.real_output is not None:
        outputs.append(inputs.real_output)
    terms = [
        F.cross_entropy(each.class_logits, inputs.condition)
        for each in outputs
        if each.class_logits is not None and inputs.condition is not None
    ]
    return torch.stack(terms).sum()
