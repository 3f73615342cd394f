"""A plugin that keeps the newest grid under one name, for a viewer that reloads its file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs import RunDirectory


@hookimpl
def ganzoo_samples_saved(run: RunDirectory, path: Path) -> None:
    """Copy the grid to the run's ``newest.png``."""
    shutil.copyfile(path, run.path / "newest.png")
