"""Draw what the augmentations do to a few digits.

``uv run python plugins/ganzoo-augmentations/tools/draw_examples.py`` writes ``examples.png`` beside the
README.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import torch
from ganzoo_augmentations.components import ADA, DiffAugment

from ganzoo.api import load_spec

COUNT = 12


def main() -> None:
    """Write the picture."""
    split = load_spec("digits").dataset.build("test")
    chosen = torch.linspace(0, len(split) - 1, COUNT).long().numpy()
    digits = split.space.decode(torch.from_numpy(split.samples[chosen]), torch.float32)
    rows = {"as they are": digits}
    rng = torch.Generator().manual_seed(1)
    rows["diffaugment"] = DiffAugment().build()(digits, rng)
    for p in (0.1, 0.4, 0.8):
        ada = ADA().build()
        ada.p.fill_(p)
        rows[f"ada, p = {p}"] = ada(digits, rng)
    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 3.9), layout="constrained")
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(torch.cat([*images[:, 0]], dim=1), cmap="gray", vmin=-1, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set_xticks([])
        axis.set_yticks([])
        for side in axis.spines.values():
            side.set_visible(False)
    figure.savefig(Path(__file__).parents[1] / "examples.png", dpi=100)


if __name__ == "__main__":
    main()
