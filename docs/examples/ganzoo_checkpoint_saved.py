"""A plugin that keeps a second copy of checkpoints, where ``CHECKPOINT_BACKUP`` names a folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_checkpoint_saved(run: RunDirectory, path: Path) -> None:
    """Copy the checkpoint, unless nobody asked for it."""
    if backup := os.environ.get("CHECKPOINT_BACKUP"):
        folder = Path(backup) / run.path.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder)
