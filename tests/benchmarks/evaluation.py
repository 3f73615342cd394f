"""What an evaluation costs: features of images, and metrics on features, in seconds of one core.

    OMP_NUM_THREADS=1 uv run python tests/benchmarks/evaluation.py

Needs no weights: Inception is timed with random ones, whose arithmetic is the same. Processor time is
counted, not time on the clock, so that other work of the machine matters little.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from ganzoo.components import Features, MetricInputs
from ganzoo.components.registry import active
from ganzoo.spec import parse_evaluation

SAMPLES = 10_000
EXTRACTORS = (
    ("pixels", (1, 28, 28), 5000),
    ("random-conv", (1, 28, 28), 5000),
    ("lenet-mnist", (1, 28, 28), 5000),
    ("inception", (3, 32, 32), 96),
)
"""Name, shape of an image, and how many are timed."""

METRICS = ("fd", "fd_infinity", "kd", "prdc", "memorization")
WIDTHS = (84, 2048)


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def build(name: str, shape: tuple[int, ...]) -> nn.Module:
    """Build an extractor; Inception with random weights."""
    if name != "inception":
        extractor = parse_evaluation({"extractor": name}).extractor
        assert extractor is not None
        return extractor.build(shape)
    with (
        mock.patch("torch.load"),
        mock.patch.object(FeatureExtractorInceptionV3, "load_state_dict"),
    ):
        return FeatureExtractorInceptionV3("random", ["2048"], "none").eval()


@torch.no_grad()
def seconds_of_features(name: str, shape: tuple[int, ...], count: int) -> float:
    """Return the seconds for the features of one image."""
    network = build(name, shape)
    chunk = active().find("extractor", name).component.chunk
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8)
    network(images[:chunk])
    return processor_seconds(lambda: [network(part) for part in images.split(chunk)]) / count


def seconds_of_metric(name: str, width: int) -> float:
    """Return the seconds for one metric of one set of samples."""
    rng = np.random.default_rng(0)
    sets = [Features(rng.normal(size=(SAMPLES, width))) for _ in range(3)]
    measure = active().find("metric", name).component().build()
    return processor_seconds(lambda: measure(MetricInputs(*sets)))


def main() -> None:
    """Print both tables."""
    print("| extractor | images a second |\n|---|---|")
    for name, shape, count in EXTRACTORS:
        print(f"| `{name}` | {1 / seconds_of_features(name, shape, count):,.0f} |", flush=True)
    print(f"\n| seconds | {' | '.join(f'd = {width}' for width in WIDTHS)} |")
    print(f"|---|{'---|' * len(WIDTHS)}")
    for name in METRICS:
        numbers = (f"{seconds_of_metric(name, width):.2g}" for width in WIDTHS)
        print(f"| `{name}` | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main()
