"""R1: the vanilla GAN of fully connected layers on MNIST."""

from __future__ import annotations

import torch
from torch import nn

LATENT = 64
BATCH = 64
EPOCHS = 101
LR_G = 3e-4
LR_D = 3e-4
FLIP = True


def generator() -> nn.Module:
    """Latents (N, 64) to images."""
    return nn.Sequential(
        nn.Linear(LATENT, 256),
        nn.LeakyReLU(0.1),
        nn.Linear(256, 512),
        nn.LeakyReLU(0.1),
        nn.Linear(512, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )


def discriminator() -> nn.Module:
    """Images to probabilities (N, 1) of being real."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 256),
        nn.LeakyReLU(0.1),
        nn.Linear(256, 128),
        nn.LeakyReLU(0.1),
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
    on_fake = discriminator(fake)
    loss_d = (
        criterion(on_real, torch.ones_like(on_real)) + criterion(on_fake, torch.zeros_like(on_fake))
    ) / 2
    optimizer_d.zero_grad()
    loss_d.backward(retain_graph=True)
    optimizer_d.step()

    on_fake = discriminator(fake)
    loss_g = criterion(on_fake, torch.ones_like(on_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()
