"""R4: the fully connected GAN of the report on Fashion-MNIST.

The report states the networks. Batch size, duration, optimizer and learning rates are those of the
recipe ``fc-fashion``; the loss is the cross-entropy that a sigmoid output implies.
"""

from __future__ import annotations

import torch
from torch import nn

LATENT = 100
BATCH = 64
EPOCHS = 50
LR_G = 2e-4
LR_D = 2e-4
FLIP = False


def generator() -> nn.Module:
    """Latents (N, 100) to images."""
    return nn.Sequential(
        nn.Linear(LATENT, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )


def discriminator() -> nn.Module:
    """Images to probabilities (N, 1) of being real."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 1),
        nn.Sigmoid(),
    )


def train_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizer_g: torch.optim.Optimizer,
    optimizer_d: torch.optim.Optimizer,
    real: torch.Tensor,
    z: torch.Tensor,
) -> tuple[float, float]:
    """Take one iteration; return the losses of the discriminator and the generator."""
    criterion = nn.BCELoss()
    fake = generator(z)

    on_real = discriminator(real)
    on_fake = discriminator(fake.detach())
    loss_d = criterion(on_real, torch.ones_like(on_real)) + criterion(
        on_fake, torch.zeros_like(on_fake)
    )
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    on_fake = discriminator(fake)
    loss_g = criterion(on_fake, torch.ones_like(on_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
