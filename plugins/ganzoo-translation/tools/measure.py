"""Measures runs of this package on the images that were held out, for its README.

Of pairs: the Fréchet distance of translations to targets in random-conv, and how near they are, each to
its own target (SSIM, PSNR). Of digits: how many are read as what they are, before and after translation.

    python tools/measure.py runs/pix2pix-emoji-1 runs/l1-emoji-1 runs/cyclegan-digits-1
"""

from __future__ import annotations

import sys

import torch
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

import ganzoo
from ganzoo.cli.output import write
from ganzoo.data.split import as_tensor


def of_pairs(run: ganzoo.Run) -> dict[str, float]:
    """Return what pairs are measured by."""
    split = run.spec.dataset.build("test")
    assert split.source is not None
    source = run.info.source.decode(as_tensor(split.source), torch.float32)
    target = run.info.samples.decode(as_tensor(split.samples), torch.float32)
    translated = run.sample(source=source).clamp(-1, 1)
    options = {"data_range": (-1.0, 1.0)}
    report = run.evaluate(
        metrics=["fd"], extractor="random-conv", reference="test", samples=len(split), save=False
    )
    return {
        "pairs": len(split),
        "FD": report.values[0].mean,
        "FD of real images": report.values[0].baseline.value,
        "SSIM": structural_similarity_index_measure(translated, target, **options).item(),
        "PSNR": peak_signal_noise_ratio(translated, target, **options).item(),
        "SSIM of sources": structural_similarity_index_measure(source, target, **options).item(),
    }


def of_digits(run: ganzoo.Run) -> dict[str, float]:
    """Return which fraction of digits lenet-mnist reads as what they are."""
    from ganzoo_digits.extractors import LeNetMnist
    from ganzoo_translation.digit_images import read

    images, classes = read("test")
    source = torch.from_numpy(images) / 127.5 - 1
    translated = run.info.samples.encode(run.sample(source=source).numpy())
    network = LeNetMnist().build((1, 28, 28))
    found = {"digits": float(len(images))}
    for name, pixels in (("before", images), ("after", translated)):
        logits = network(torch.from_numpy(pixels)).logits
        right = logits.argmax(1).numpy() == classes
        found[name] = float(right.mean())
    return found


if __name__ == "__main__":
    for path in sys.argv[1:]:
        opened = ganzoo.open_run(path)
        digits = opened.spec.dataset.type == "digit-domains"
        values = of_digits(opened) if digits else of_pairs(opened)
        write(f"{path}: " + "  ".join(f"{name} {value:.4g}" for name, value in values.items()))
