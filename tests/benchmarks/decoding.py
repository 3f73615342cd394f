"""Measures building the cache of many small PNG files against decoding them alone.

Both use Pillow with as many threads, each in a process of its own, whose peak memory is measured, too::

    uv run python tests/benchmarks/decoding.py --count 20000
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ganzoo.builtin.datasets import Folder


def write(folder: Path, count: int, side: int) -> None:
    """Write images of noise that is smooth enough to be packed as photos are."""
    rng = np.random.default_rng(0)
    for index in range(count):
        small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        place = folder / f"{index % 100:02}"
        place.mkdir(exist_ok=True)
        small.resize((side, side), Image.Resampling.BICUBIC).save(place / f"{index:06}.png")


def decode_alone(folder: Path) -> np.ndarray:
    """Decode all files into memory."""
    files = sorted(folder.rglob("*.png"))

    def decode(file: Path) -> np.ndarray:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(decode, files)))


def build(folder: Path) -> np.ndarray:
    """Decode all files into the cache, or map them from there."""
    with Image.open(next(folder.rglob("*.png"))) as image:
        side = image.width
    return Folder(path=str(folder), size=side).build("train").samples


def measured(
    work: Callable[[Path], np.ndarray], folder: Path, cache: Path
) -> tuple[float, float, np.ndarray]:
    """Return the seconds that work took, the MiB of memory that it added, and the first image."""
    os.environ["GANZOO_CACHE"] = str(cache)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    images = work(folder)
    seconds = time.perf_counter() - begin
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return seconds, added, np.array(images[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files")
    parser.add_argument("--side", type=int, default=64, help="their height and width in pixels")
    parser.add_argument("--rounds", type=int, default=3, help="times that both are measured")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "images")
        folder.mkdir()
        write(folder, arguments.count, arguments.side)
        for file in folder.rglob("*.png"):
            file.read_bytes()  # so that both find the files in memory
        ratios = []
        for number in range(arguments.rounds):
            cache = Path(scratch, f"cache{number}")
            taken = []
            for work in (decode_alone, build, build):
                with spawn.Pool(1) as pool:
                    taken.append(pool.apply(measured, (work, folder, cache)))
            alone, built, mapped = taken
            assert np.array_equal(built[2], alone[2].transpose(2, 0, 1))
            ratios.append(built[0] / alone[0])
            print(
                f"alone {alone[0]:.2f} s and {alone[1]:,.0f} MiB, cache {built[0]:.2f} s and"
                f" {built[1]:,.0f} MiB: {ratios[-1]:.2f} times; mapped again {mapped[0]:.2f} s",
                flush=True,
            )
        print(f"median of {arguments.count} files: {np.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
