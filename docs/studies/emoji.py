"""Which networks draw the best emoji in the same time on a CPU?

``uv run python docs/studies/emoji.py`` trains three kinds of networks, writes the tables of
``emoji.md`` anew and draws samples of each. ``--tables extractor`` only asks what the numbers can tell.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import ganzoo
from ganzoo.api import evaluate_images, load_spec
from ganzoo.components import Dataset

PAGE = Path(__file__).with_suffix(".md")
IMAGES = PAGE.parents[1] / "images"
SPECS: dict[str, str | Path] = {
    "dcgan": "emoji-dcgan",
    "resnet": PAGE.with_suffix("") / "resnet.json",
    "stylegan2": PAGE.with_suffix("") / "stylegan2.json",
}
SAMPLES = 1651
"""As many as the training split has."""

TABLES = ("extractor", "networks")
ROWS = 6
SCALE = 2


class Minutes:
    """A listener that notes the processor time of each checkpoint."""

    def __init__(self) -> None:
        self.began = time.process_time()
        self.at: dict[int, float] = {}

    @ganzoo.hookimpl
    def ganzoo_checkpoint_saved(self, step: int) -> None:
        """Note it."""
        self.at[step] = (time.process_time() - self.began) / 60


def trained(network: str, seed: int, path: str | None, folder: Path) -> list[str]:
    """Train networks, draw its samples, and return the rows of its checkpoints of the table."""
    spec = load_spec(
        SPECS[network],
        overrides={"dataset.path": path, "seed": seed, "device": "cpu", "evaluation": None},
    )
    minutes = Minutes()
    path_of_run = ganzoo.run(spec, output=folder / f"{network}-{seed}", listeners=[minutes]).path
    rows = []
    for step, spent in minutes.at.items():
        run = ganzoo.open_run(path_of_run, checkpoint=step)
        if seed == 0:  # the last stays
            draw(run, IMAGES / f"emoji-{network}.png")
        cells = [network, f"{seed}", f"{step}", f"{spent:.1f}", *evaluated(run)]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def evaluated(run: ganzoo.Run) -> list[str]:
    """Return the distances with three extractors, and precision and recall with the first."""
    reports = [
        run.evaluate(
            metrics=["fd", "prdc"] if seed == 0 else ["fd"],
            extractor={"type": "random-conv", "seed": seed},
            reference="train",
            samples=SAMPLES,
            seeds=[0],
            baseline=False,
            save=False,
        )
        for seed in range(3)
    ]
    values = [report.value("fd").mean for report in reports]
    values += [reports[0].value(name).mean for name in ("precision", "recall")]
    return ["not measured" if each is None else f"{each:.2f}" for each in values]


def draw(run: ganzoo.Run, path: Path) -> None:
    """Draw samples of a run, one category a column."""
    columns = len(run.class_names)
    samples = run.sample(ROWS * columns).clamp(-1, 1).numpy()
    save(np.round((samples + 1) * 127.5).astype(np.uint8), columns, path)


def save(pixels: Any, columns: int, path: Path) -> None:
    """Save images (N, 3, height, width) as a grid, with as few colours as a small file needs."""
    channels, height, width = pixels.shape[1:]
    rows = pixels.reshape(-1, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    grid = Image.fromarray(rows.reshape(-1, columns * width, channels))
    grid = grid.resize((SCALE * grid.width, SCALE * grid.height), Image.Resampling.NEAREST)
    grid.quantize(128).save(path, optimize=True)


def draw_real(path: str | None) -> None:
    """Draw real emoji of the training split, one category a column."""
    split = _dataset(path).build("train")
    assert split.classes is not None
    by_class = [split.samples[split.classes == number] for number in range(9)]
    every = [each[np.linspace(0, len(each) - 1, ROWS).astype(int)] for each in by_class]
    save(np.stack(every, 1).reshape(-1, *split.samples.shape[1:]), 9, IMAGES / "emoji-real.png")


def _dataset(path: str | None) -> Dataset:
    return load_spec("emoji-dcgan", overrides={"dataset.path": path}).dataset


def extractor_rows(path: str | None, folder: Path) -> list[str]:
    """Return rows that say how far changed training images are from the training images."""
    data = _dataset(path)
    train, test = (np.asarray(data.build(split).samples) for split in ("train", "test"))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(train))
    half, other = train[order[: len(train) // 2]], train[order[len(train) // 2 :]]
    noise = rng.normal(0, 25, train.shape)
    changed: dict[str, tuple[Any, Any]] = {
        "one half, compared with the other half": (half, other),
        "the held-out images": (test, train),
        "mirrored left to right": (train[..., ::-1], train),
        "blurred, a mean over 3 x 3 pixels": (_blurred(train, 1), train),
        "blurred, a mean over 5 x 5 pixels": (_blurred(train, 2), train),
        "noise of deviation 25 of 255 added": ((train + noise).clip(0, 255), train),
        "16 of them, repeated": (np.resize(train[order[:16]], train.shape), train),
        "cut into squares of 8 x 8 pixels, in random order": (_shuffled(train, rng), train),
    }
    rows = []
    for name, sides in changed.items():
        images, reference = folder / "images.npy", folder / "reference.npy"
        for file, pixels in zip((images, reference), sides, strict=True):
            np.save(file, pixels.round().astype(np.uint8).transpose(0, 2, 3, 1))
        found = [_between(images, reference, seed) for seed in range(3)]
        rows.append(f"| {name} | {' | '.join(f'{each:.2f}' for each in found)} |")
    return rows


def _between(images: Path, reference: Path, seed: int) -> float:
    extractor = {"type": "random-conv", "seed": seed}
    report = evaluate_images(
        images, reference, metrics=["fd"], extractor=extractor, baseline=False, device="cpu"
    )
    value = report.value("fd").mean
    assert value is not None
    return value


def _blurred(pixels: Any, radius: int) -> Any:
    shifts = range(-radius, radius + 1)
    around = np.pad(pixels, [(0, 0), (0, 0), (radius, radius), (radius, radius)], mode="edge")
    size = pixels.shape[-1]
    parts = [
        around[..., radius + down : radius + down + size, radius + right : radius + right + size]
        for down in shifts
        for right in shifts
    ]
    return np.mean(parts, axis=0)


def _shuffled(pixels: Any, rng: np.random.Generator) -> Any:
    """Return images whose squares of 8 x 8 pixels are in another order, each in its own."""
    count, channels, side = len(pixels), pixels.shape[1], pixels.shape[-1] // 8
    cut = pixels.reshape(count, channels, side, 8, side, 8).transpose(0, 2, 4, 1, 3, 5)
    squares = cut.reshape(count, side * side, channels, 8, 8)
    order = rng.permuted(np.tile(np.arange(side * side), (count, 1)), axis=1)
    moved = np.take_along_axis(squares, order[:, :, None, None, None], axis=1)
    whole = moved.reshape(count, side, side, channels, 8, 8).transpose(0, 3, 1, 4, 2, 5)
    return whole.reshape(pixels.shape)


def rewrite(section: str, rows: list[str], key: int) -> None:
    """Put rows in their table on the page, each in place of one with the same first cells."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {section} -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    table = {tuple(row.split("|")[: key + 1]): row for row in [*old.splitlines(), *rows]}
    PAGE.write_text(
        f"{before}<!-- {section} -->\n" + "\n".join(table.values()) + f"\n<!-- end -->{after}",
        encoding="utf-8",
    )


def main() -> None:
    """Run the study, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--networks", nargs="+", default=list(SPECS), choices=list(SPECS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--path", help="folder in which npm installed the emoji")
    parser.add_argument("--folder", type=Path, help="where to keep the runs")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        if "extractor" in chosen.tables:
            rewrite("extractor", extractor_rows(chosen.path, Path(temporary)), key=1)
            draw_real(chosen.path)
        for network in chosen.networks if "networks" in chosen.tables else ():
            for seed in chosen.seeds:
                rows = trained(network, seed, chosen.path, folder)
                print(*rows, sep="\n", flush=True)  # noqa: T201 - a program that prints
                rewrite("networks", rows, key=3)


if __name__ == "__main__":
    main()
