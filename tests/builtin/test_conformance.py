"""The core's own components keep to the contracts of their families."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ganzoo_devkit.testing import FromFiles, conformance, tiny_dataset
from PIL import Image

from ganzoo.builtin.datasets import Arrays, Folder, Paired, Torchvision, Unpaired
from ganzoo.builtin.extractors.torchvision_classifier import TorchvisionClassifier
from ganzoo.builtin.schedules import Constant, Cosine, Linear, Sequence, Step, WarmUp

DOWNLOADED = "its files are downloaded"


def points(folder: Path) -> Arrays:
    return tiny_dataset(folder, (2,))


def images(folder: Path) -> Folder:
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cats", "dogs"):
            (folder / split / name).mkdir(parents=True)
            for number in range(6):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return Folder(path=str(folder), size=8)


def domains(folder: Path) -> tuple[str, str]:
    images(folder / "source")
    images(folder / "target")
    return str(folder / "source"), str(folder / "target")


def paired(folder: Path) -> Paired:
    source, target = domains(folder)
    return Paired(source=source, target=target, size=8)


def unpaired(folder: Path) -> Unpaired:
    source, target = domains(folder)
    return Unpaired(source=source, target=target, size=8)


half = Linear(start=1e-3, end=1e-4)
test_conformance = conformance(
    "ganzoo",
    examples=[
        FromFiles(Arrays, points),
        FromFiles(Folder, images),
        FromFiles(Paired, paired),
        FromFiles(Unpaired, unpaired),
        Constant(value=0.5),
        Linear(start=2e-4),
        Cosine(start=1.0, end=0.1),
        Step(numbers=(3.0, 2.0, 1.0), at=(0.3, 0.8)),
        WarmUp(portion=0.2, then=half),
        Torchvision(name="MNIST"),
        TorchvisionClassifier(model="squeezenet1_1", weights=None, seed=0),
        Sequence(parts=(Constant(value=1.0), half), at=(0.5,)),
    ],
    skip={
        **{
            f"dataset-torchvision-{check}": DOWNLOADED
            for check in ("samples", "splits", "training")
        },
        **{f"extractor-inception-{check}": DOWNLOADED for check in ("features",)},
    },
)
