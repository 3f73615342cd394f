"""The digit classifier in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

FEATURES = 84
CLASSES = 10
LEAK = 0.1


class LeNet(nn.Module):
    """Two convolutions and three linear layers (LeCun et al. 1998), with leaky rectifiers.

    It differs from LeNet-5 in its 16 and 32 channels, its rectifiers, its maximum pooling, its plain
    linear output and the dropout before the last two layers, which acts in training only. Rectifiers
    leak because plain ones left 52 of the 120 hidden units dead, and so fewer than 84 independent
    features. No layer lets samples of a batch influence one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5, padding=2),
            nn.LeakyReLU(LEAK),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, kernel_size=5),
            nn.LeakyReLU(LEAK),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.hidden = nn.Linear(32 * 5 * 5, 120)
        self.penultimate = nn.Linear(120, FEATURES)
        self.output = nn.Linear(FEATURES, CLASSES)
        self.dropout = nn.Dropout(0.1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map images to features and logits.

        Args:
            images: (N, 1, 28, 28), 0 to 255, of any type.

        Returns:
            Features (N, 84), the activations of the last hidden layer, and logits (N, 10).
        """
        scaled = images.to(self.output.weight.dtype) / 255
        hidden = F.leaky_relu(self.hidden(self.convolutions(scaled)), LEAK)
        features = F.leaky_relu(self.penultimate(self.dropout(hidden)), LEAK)
        return features, self.output(self.dropout(features))


class StackedLeNet(nn.Module):
    """One classifier for each of three channels.

    Args:
        classifier: maps (N, 1, 28, 28) to features (N, 84) and logits (N, 10).
    """

    def __init__(self, classifier: LeNet) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map images to features and joint log-probabilities.

        Args:
            images: (N, 3, 28, 28), 0 to 255, of any type.

        Returns:
            Features (N, 252), those of the first channel first, and the logarithms (N, 1000) of the
            probabilities of three digits, the channels taken as independent; class 407 has a 4 in
            the first channel, a 0 in the second and a 7 in the third.
        """
        features, logits = self.classifier(images.flatten(0, 1)[:, None])
        first, second, third = logits.log_softmax(dim=1).view(-1, 3, CLASSES).unbind(dim=1)
        joint = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
        return features.view(len(images), -1), joint.flatten(1)
