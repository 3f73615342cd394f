"""Trains the digit classifier of the extractor ``lenet-mnist`` and writes its weights.

It sees the 4,000 digits of split ``train`` of ``mnist-5k`` and no others; the 1,000 of ``test`` are read
once, after training, to say how good it became. From the root of the repository, in less than two
minutes on one core::

    uv run python plugins/ganzoo-digits/tools/train_lenet.py

A second run on the same machine writes the same bytes. On another machine, or with another version of
torch, the last bits may differ, so the hash in ``ganzoo_digits/weights.py`` goes with the file.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from ganzoo_digits.digits import read
from ganzoo_digits.networks import LeNet
from safetensors.torch import save

SEED = 0
EPOCHS = 80
BATCH = 50
LEARNING_RATE = 1e-3
AVERAGING = 0.999

FILE = Path(__file__).parents[1] / "src" / "ganzoo_digits" / "lenet-mnist.safetensors"


def train(generator: torch.Generator) -> LeNet:
    """Return the moving average of a classifier's weights."""
    store = read("train")
    images, labels = torch.from_numpy(store.samples), torch.from_numpy(store.classes)
    network = LeNet().train()
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    total = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * step / total)) / 2
    )
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images), generator=generator).split(BATCH):
            _, logits = network(distorted(images[chosen].float(), generator))
            loss = F.cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for kept, new in zip(average.parameters(), network.parameters(), strict=True):
                    kept.lerp_(new, 1 - AVERAGING)
    return average


def distorted(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turn, stretch, shear, move and warp images, each in its own way.

    The warp is that of Simard et al. (*Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis*, 2003): displacements that are random and smooth.

    Args:
        images: (N, 1, H, W).
        generator: what the distortions are drawn from.
    """
    count, _, height, width = images.shape

    def uniform(most: float, *shape: int) -> torch.Tensor:
        return (2 * torch.rand(count, *shape, generator=generator) - 1) * most

    angle, shear = uniform(math.radians(12)), uniform(0.15)
    stretch = 1 + uniform(0.12, 2)
    cosine, sine = angle.cos(), angle.sin()
    rows = torch.stack(
        [
            torch.stack([cosine * stretch[:, 0], shear - sine], dim=1),
            torch.stack([sine, cosine * stretch[:, 1]], dim=1),
        ],
        dim=1,
    )
    moved = uniform(2 * 2 / width, 2, 1)  # up to 2 pixels; the width of an image is 2
    grid = F.affine_grid(torch.cat([rows, moved], dim=2), list(images.shape), align_corners=False)

    offsets = torch.arange(-10, 11)
    kernel = torch.exp(-(offsets**2) / (2 * 4.0**2))
    kernel = kernel / kernel.sum()
    noise = uniform(1.0, 2, height, width).flatten(0, 1)[:, None]
    smooth = F.conv2d(noise, kernel.view(1, 1, -1, 1), padding=(10, 0))
    smooth = F.conv2d(smooth, kernel.view(1, 1, 1, -1), padding=(0, 10))
    warp = smooth.view(count, 2, height, width).permute(0, 2, 3, 1) * (34 * 2 / width)
    return F.grid_sample(images, grid + warp, align_corners=False)


def accuracy(network: LeNet, split: str) -> float:
    """Return the share of a split's digits that are recognised."""
    store = read(split)
    with torch.no_grad():
        _, logits = network(torch.from_numpy(store.samples))
    return float((logits.argmax(dim=1) == torch.from_numpy(store.classes)).double().mean())


def main() -> None:
    """Train, say how good it became, and write the weights."""
    parser = argparse.ArgumentParser(description="Train the classifier of lenet-mnist.")
    parser.add_argument("--output", type=Path, default=FILE, help="file to write")
    output = parser.parse_args().output
    torch.set_num_threads(
        1
    )  # the order of sums, and with it the last bits, depends on their number
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)  # first weights and dropout
    network = train(torch.Generator().manual_seed(SEED))
    content = save({name: each.contiguous() for name, each in network.state_dict().items()})
    output.write_bytes(content)
    for split in ("train", "test"):
        print(f"accuracy on {split}: {accuracy(network, split):.4f}")  # noqa: T201 - a program
    print(f"sha256: {hashlib.sha256(content).hexdigest()}")  # noqa: T201 - a program


if __name__ == "__main__":
    main()
