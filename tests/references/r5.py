"""R5: the convolutional GAN of the report on Fashion-MNIST.

The report states the networks. Batch size, duration, optimizer and learning rates are those of the
recipe ``cnn-fashion``; the loss is the cross-entropy that a sigmoid output implies.
"""

from __future__ import annotations

import torch
from torch import nn

LATENT = 100
BATCH = 64
EPOCHS = 30
LR_G = 2e-4
LR_D = 2e-4
FLIP = False


def generator() -> nn.Module:
    """Latents (N, 100) to images."""
    return nn.Sequential(
        nn.Unflatten(1, (LATENT, 1, 1)),
        nn.ConvTranspose2d(LATENT, 128, 7, stride=1, padding=0, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    )


def discriminator() -> nn.Module:
    """Images to probabilities (N, 1) of being real."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        nn.Conv2d(128, 1, 7, stride=1, padding=0, bias=False),
        nn.Flatten(),
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
