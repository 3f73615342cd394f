"""R2: the DCGAN with a linear stem on MNIST; and R3, the same with other activations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

LATENT = 100
BATCH = 4
EPOCHS = 20
LR_G = 1e-4
LR_D = 1e-5
FLIP = False

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky-relu": lambda: nn.LeakyReLU(0.01),
    "elu": nn.ELU,
    "softplus": nn.Softplus,
}
"""R3: each is used in every hidden layer of both networks."""


def generator(activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    """Latents (N, 100) to images."""
    return nn.Sequential(
        nn.Linear(LATENT, 256 * 7 * 7),
        activation(),
        nn.BatchNorm1d(256 * 7 * 7),
        nn.Unflatten(1, (256, 7, 7)),
        nn.ConvTranspose2d(256, 128, 3, stride=1, padding=1),
        activation(),
        nn.BatchNorm2d(128),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
        activation(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def discriminator(
    activation: Callable[[], nn.Module] = lambda: nn.LeakyReLU(0.01),
) -> nn.Module:
    """Images to scores (N, 1), without a sigmoid."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 3, stride=2, padding=0),
        activation(),
        nn.Dropout2d(0.5),
        nn.Conv2d(64, 128, 3, stride=2, padding=0),
        activation(),
        nn.Dropout2d(0.5),
        nn.BatchNorm2d(128),
        nn.Flatten(),
        nn.Linear(128 * 6 * 6, 1),
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
    criterion = nn.MSELoss()
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
