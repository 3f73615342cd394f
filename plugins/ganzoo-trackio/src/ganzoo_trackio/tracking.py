"""One run of ganzoo as a run of Trackio."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import trackio
from PIL import Image
from trackio.sqlite_storage import SQLiteStorage

from ganzoo.runs import RunDirectory
from ganzoo.utils.files import write_atomically

PROJECT = "ganzoo"

NO_CONFIGURATION = {"name", "description", "requires", "output", "device"}
"""Parts of a spec that say nothing of what is trained."""


class TrackedRun:
    """Logs to Trackio, and goes on with the run of Trackio that a resumed run began.

    Args:
        run: the run directory. ``trackio.json`` in it holds the name of the run of Trackio, which ends
            with a few random characters: runs of several folders may have one name.
    """

    def __init__(self, run: RunDirectory) -> None:
        place = run.path / "trackio.json"
        known: set[tuple[str, int]] = set()
        if place.exists():
            name = json.loads(place.read_text("utf-8"))["run"]
            logged = SQLiteStorage.get_logs(PROJECT, name)
            known = {(key, line["step"]) for line in logged for key in line if key != "step"}
        else:
            name = f"{run.path.name}-{uuid.uuid4().hex[:6]}"
            write_atomically(place, json.dumps({"project": PROJECT, "run": name}) + "\n")
        self._known = known
        spec = run.spec.to_json()
        with _quietly():
            self._run = trackio.init(
                project=PROJECT,
                name=name,
                group=run.spec.name,
                config={key: each for key, each in spec.items() if key not in NO_CONFIGURATION},
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, numbers: Mapping[str, Any], step: int) -> None:
        """Log numbers, save those of steps that were taken before a run was resumed."""
        new = {name: each for name, each in numbers.items() if (name, step) not in self._known}
        if new:
            self._run.log(new, step=step)

    def add_grid(self, path: Path, step: int) -> None:
        """Log a grid of samples."""
        if ("samples", step) not in self._known:
            with Image.open(path) as image:
                self._run.log({"samples": trackio.Image(image.convert("RGB"))}, step=step)

    def close(self, *, completed: bool) -> None:
        """Write everything, and no more."""
        del completed
        with _quietly():
            trackio.finish()  # type: ignore[no-untyped-call] # Trackio's


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what Trackio prints from standard output, which is for results."""
    with redirect_stdout(StringIO()):
        yield
