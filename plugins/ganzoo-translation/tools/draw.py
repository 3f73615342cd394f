"""Draws what runs make of some pairs that were held out, for the README.

python tools/draw.py emoji.png l1=runs/l1-emoji-1 pix2pix=runs/pix2pix-emoji-1
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import ganzoo
from ganzoo.data.split import as_tensor
from ganzoo.utils.images import save_image
from ganzoo.visual.grids import labelled_grid

COUNT = 12


def main(output: str, *named: str) -> None:
    """Write the picture."""
    runs = {name: ganzoo.open_run(path) for name, path in (each.split("=", 1) for each in named)}
    run = next(iter(runs.values()))
    split = run.spec.dataset.build("test")
    chosen = np.linspace(0, len(split) - 1, COUNT).astype(int)
    source = run.info.source.decode(as_tensor(split.source[chosen]), torch.float32)
    rows = {"source": source.numpy()}
    rows |= {name: each.sample(source=source).numpy() for name, each in runs.items()}
    rows["target"] = run.info.samples.decode(
        as_tensor(split.samples[chosen]), torch.float32
    ).numpy()
    picture = labelled_grid(np.concatenate([*rows.values()]), [*rows], [""] * COUNT)
    save_image(picture, Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
