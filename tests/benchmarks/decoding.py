"""Measures building the cache of many small PNG files against decoding them alone.

Both use Pillow with as many threads::

    uv run python tests/benchmarks/decoding.py --count 20000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files")
    parser.add_argument("--side", type=int, default=64, help="their height and width in pixels")
    parser.add_argument("--rounds", type=int, default=3, help="times that both are measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "images")
        folder.mkdir()
        write(folder, arguments.count, arguments.side)
        decode_alone(folder)  # once, so that both find the files in memory
        ratios = []
        for number in range(arguments.rounds):
            os.environ["GANZOO_CACHE"] = str(Path(scratch, f"cache{number}"))
            begin = time.perf_counter()
            alone = decode_alone(folder)
            middle = time.perf_counter()
            split = Folder(path=str(folder), size=arguments.side).build("train")
            end = time.perf_counter()
            assert np.array_equal(split.samples[0], alone[0].transpose(2, 0, 1))
            ratios.append((end - middle) / (middle - begin))
            print(
                f"alone {middle - begin:.2f} s, cache {end - middle:.2f} s: {ratios[-1]:.2f} times"
            )
        print(f"median of {arguments.count} files: {np.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
