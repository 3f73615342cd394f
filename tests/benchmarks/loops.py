"""One loop, timed in a process of its own: ``python loops.py LOOP PROGRAM BATCH SECONDS``.

Prints a JSON object with the images a second. Loops:

- ``published``: the program as its tutorial has it: images decoded by PIL one by one, a DataLoader in
  the training process, separate passes, ``.item()`` at every step.
- ``bare``: the same mathematics as fast as a person would write it by hand for this one program: no
  framework, no logging, no samples.
- ``ganzoo``: ``ganzoo run`` of the recipe, with progress, logging, samples and checkpoints as it ships.
- ``floor``: no loop but the least arithmetic and memory traffic of a step over what this machine can do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

RECIPES = {"r1": "mlp-mnist", "r2": "dcgan-mnist", "r4": "fc-fashion", "r5": "cnn-fashion"}
WARM_UP = 20
"""Steps that are not timed."""


def program(name: str) -> ModuleType:
    """Import a published program."""
    import importlib

    sys.path.insert(0, str(Path(__file__).parents[1]))
    return importlib.import_module(f"references.{name}")


def digits() -> tuple[Any, Any]:
    """Return all 5,000 digits: uint8 (N, 1, 28, 28) and labels."""
    from pydantic import TypeAdapter

    from ganzoo.components import Dataset

    split = TypeAdapter(Dataset).validate_python("mnist-5k").build("all")
    return split.samples, split.condition


def rate(step: Callable[[], int], seconds: float) -> float:
    """Return images a second of a loop's step, which returns how many images it showed."""
    for _ in range(WARM_UP):
        step()
    images, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        images += step()
    return images / (time.perf_counter() - began)


def published(module: ModuleType, batch: int, seconds: float) -> float:
    """Time the published program."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import MNIST

    flip = [transforms.RandomHorizontalFlip()] if module.FLIP else []
    transform = transforms.Compose(
        [*flip, transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
    )
    with tempfile.TemporaryDirectory() as folder:
        write_mnist(Path(folder) / "MNIST" / "raw")
        data = MNIST(folder, train=True, transform=transform)
    loader = DataLoader(data, batch_size=batch, shuffle=True)

    def endless() -> Iterator[Any]:
        while True:
            yield from loader

    stream = endless()
    generator, discriminator = module.generator(), module.discriminator()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=module.LR_G)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=module.LR_D)

    def step() -> int:
        real, _ = next(stream)
        z = torch.randn(len(real), module.LATENT)
        module.train_step(generator, discriminator, optimizer_g, optimizer_d, real, z)
        return len(real)

    return rate(step, seconds)


def write_mnist(folder: Path) -> None:
    """Write the 5,000 digits as the files of MNIST, so that torchvision's own class serves them."""
    images, labels = digits()
    folder.mkdir(parents=True)
    shapes = {
        "images-idx3": (images, (2051, len(images), 28, 28)),
        "labels-idx1": (labels, (2049, len(labels))),
    }
    for split in ("train", "t10k"):
        for kind, (array, header) in shapes.items():
            content = b"".join(each.to_bytes(4, "big") for each in header)
            path = folder / f"{split}-{kind}-ubyte"
            path.write_bytes(content + array.astype("uint8").tobytes())


def bare(name: str, module: ModuleType, batch: int, seconds: float) -> float:
    """Time the hand-written fast loop."""
    import torch
    import torch.nn.functional as F

    from ganzoo import load_spec

    torch.set_flush_denormal(True)
    spec = load_spec(RECIPES[name], overrides=['dataset={"type": "mnist-5k", "split": "all"}'])
    convolutional = name in {"r2", "r5"}
    shape = (1, 28, 28)
    generator = spec.algorithm.generator.build(module.LATENT, shape, None)
    discriminator = spec.algorithm.discriminator.build(shape, None)
    if convolutional:
        generator.to(memory_format=torch.channels_last)
        discriminator.to(memory_format=torch.channels_last)
    data = torch.from_numpy(digits()[0])
    parameters = list(discriminator.parameters())
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=module.LR_G, fused=True)
    optimizer_d = torch.optim.Adam(parameters, lr=module.LR_D, fused=True)
    least_squares = name == "r2"
    scale = 0.5 if name == "r1" else 1.0
    order, position = torch.randperm(len(data)), 0

    def step() -> int:
        nonlocal order, position
        if position >= len(data):
            order, position = torch.randperm(len(data)), 0
        chosen = order[position : position + batch]
        position += batch
        real = data.index_select(0, chosen).float().mul_(2 / 255).sub_(1)
        n = len(real)
        if module.FLIP:
            mirrored = torch.rand(n, 1, 1, 1) < 0.5
            real = torch.where(mirrored, real.flip(-1), real)
        fake = generator(torch.randn(n, module.LATENT), None)
        if convolutional:
            on_real = discriminator(real, None)
            on_fake = discriminator(fake.detach(), None)
        else:
            both = discriminator(torch.cat([real, fake.detach()]), None)
            on_real, on_fake = both[:n], both[n:]
        if least_squares:
            loss_d = (on_real - 1).square().mean() + on_fake.square().mean()
        else:
            loss_d = (F.softplus(-on_real).mean() + F.softplus(on_fake).mean()) * scale
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        for parameter in parameters:
            parameter.requires_grad_(False)
        on_fake = discriminator(fake, None)
        loss_g = (on_fake - 1).square().mean() if least_squares else F.softplus(-on_fake).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        for parameter in parameters:
            parameter.requires_grad_(True)
        return n

    return rate(step, seconds)


def ganzoo(name: str, batch: int, seconds: float, guess: float) -> float:
    """Time ``ganzoo run``, from its metrics: all it does from the second line on is counted."""
    steps = int(guess * seconds / batch) + WARM_UP
    line = max(WARM_UP, steps // 10)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        settings = [
            'dataset={"type": "mnist-5k", "split": "all"}',
            f"dataset.horizontal_flip={json.dumps(name == 'r1')}",
            f"training.batch_size={batch}",
            f'training.duration="{line * 10} steps"',
            f'output.log_every="{line} steps"',
            'output.samples_every="1 epochs"',
        ]
        command = [sys.executable, "-m", "ganzoo", "run", RECIPES[name], "-o", str(output)]
        for setting in settings:
            command += ["--set", setting]
        subprocess.run(command, check=True, capture_output=True)
        lines = [json.loads(text) for text in (output / "metrics.jsonl").read_text().splitlines()]
    timed = lines[1:]
    images = sum(each["images_per_second"] * each["seconds"] for each in timed)
    return float(images / sum(each["seconds"] for each in timed))


def floor(name: str, module: ModuleType, batch: int) -> float:
    """Return images a second if a step cost only its least arithmetic and the optimizer's traffic.

    One forward pass of G; D on real and fake, and its backward pass; D on fake, and the gradient of
    its input alone; the backward pass of G. Optimizers read and write 28 bytes a parameter.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    generator, discriminator = module.generator(), module.discriminator()
    z, real = torch.randn(batch, module.LATENT), torch.randn(batch, 1, 28, 28)
    with FlopCounterMode(display=False) as counter:
        fake = generator(z)
        (discriminator(real).mean() + discriminator(fake.detach()).mean()).backward()
        discriminator.requires_grad_(False)
        discriminator(fake).mean().backward()
    parameters = sum(
        each.numel() for network in (generator, discriminator) for each in network.parameters()
    )
    seconds = counter.get_total_flops() / peak_flops() + 28 * parameters / peak_bandwidth()
    return batch / seconds


def peak_flops() -> float:
    """Return float32 operations a second of the best of several large matrix products."""
    import torch

    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / best(lambda: a @ a, 10)


def peak_bandwidth() -> float:
    """Return bytes a second of the best of several sums over arrays larger than the caches."""
    import torch

    a, b = torch.randn(16 * 2**20), torch.randn(16 * 2**20)
    return 3 * 4 * a.numel() / best(lambda: a.add_(b), 10)


def best(action: Callable[[], object], times: int) -> float:
    """Return the least seconds an action took."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    """Run one loop and print its rate."""
    loop, name, batch, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    module = program(name)
    if loop == "published":
        value = published(module, batch, seconds)
    elif loop == "bare":
        value = bare(name, module, batch, seconds)
    elif loop == "floor":
        value = floor(name, module, batch)
    else:
        value = ganzoo(name, batch, seconds, float(sys.argv[5]))
    sys.stdout.write(json.dumps({"images_per_second": value}) + "\n")


if __name__ == "__main__":
    main()
