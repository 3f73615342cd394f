"""Trains the models of this package again, and puts them in the place of those that are there.

Each is the recipe of its name as it stands, on one thread. It needs ganzoo-export::

    python plugins/ganzoo-models/tools/train_models.py            # all
    python plugins/ganzoo-models/tools/train_models.py digits     # one
    python plugins/ganzoo-models/tools/train_models.py digits --run runs/digits-1

With ``--run``, a run of the recipe that exists is taken.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ganzoo_export.folder import write_folder

import ganzoo

MODELS = Path(__file__).parents[1] / "src" / "ganzoo_models" / "models"

CHECKPOINTS = {"digits": "last", "ring": "best", "grid": "best"}
"""The recipes, and which checkpoint of each is kept."""

LARGEST = 3 * 2**20
"""Bytes of a folder."""


def main() -> None:
    """Train the models that are named."""
    parser = argparse.ArgumentParser(description="Train the models of this package again.")
    parser.add_argument("names", nargs="*", choices=[*CHECKPOINTS, []], default=list(CHECKPOINTS))
    parser.add_argument("--run", type=Path, help="take this run instead of training one")
    arguments = parser.parse_args()
    if arguments.run is not None and len(arguments.names) != 1:
        parser.error("--run: name the one model that it is")
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.names:
            path = arguments.run or Path(temporary) / name
            if arguments.run is None:
                command = [sys.executable, "-m", "ganzoo", "run", name, "-o", str(path)]
                subprocess.run(command, check=True)
                ganzoo.open_run(path, CHECKPOINTS[name]).evaluate()  # on samples that chose nothing
            _keep(name, path, Path(temporary))


def _keep(name: str, path: Path, temporary: Path) -> None:
    """Put a run's generator in the place of the model of a name, if it is small enough."""
    made = write_folder(ganzoo.open_run(path, CHECKPOINTS[name]), temporary / f"{name}-model")
    size = sum(each.stat().st_size for each in made.rglob("*") if each.is_file())
    if size > LARGEST:
        sys.exit(f"{name}: {size:,} bytes are more than {LARGEST:,}")
    shutil.rmtree(MODELS / name, ignore_errors=True)
    shutil.copytree(made, MODELS / name)


if __name__ == "__main__":
    main()
