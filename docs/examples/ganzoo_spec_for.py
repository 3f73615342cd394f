"""A plugin that proposes a spec: ``ganzoo init --for points.npy`` writes one for points in a plane."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo import hookimpl


@hookimpl
def ganzoo_spec_for(path: Path) -> Mapping[str, Any] | None:
    """Propose fully connected networks for a file of points, and nothing for other data."""
    if path.suffix != ".npy" or not path.is_file():
        return None
    shape = np.load(path, mmap_mode="r").shape
    if len(shape) != 2:
        return None
    return {
        "name": path.stem,
        "description": f"Fully connected networks for {shape[0]} points.",
        "dataset": {"type": "arrays", "path": str(path)},
        "generator": {"type": "mlp", "output_activation": "identity"},
        "discriminator": "mlp",
    }
