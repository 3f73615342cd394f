"""The event files of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from ganzoo.spec import RunSpec

NO_HYPERPARAMETERS = {"name", "description", "requires", "output", "device"}
"""Parts of a spec that say nothing of what is trained."""


class EventLog:
    """Writes event files to a folder, and goes on with those that are there.

    Args:
        folder: created if it does not exist.
        spec: the run's spec.
        step: steps taken so far. What is there of later steps will be written again, so TensorBoard
            is told to forget it; a run that starts again leaves nothing to go on with.
    """

    def __init__(self, folder: Path, spec: RunSpec, step: int) -> None:
        before = list(folder.glob("events.out.tfevents.*"))
        if step == 0:
            while before:
                before.pop().unlink()
        self._writer = SummaryWriter(str(folder), purge_step=step + 1 if before else None)
        # Whole summaries go here, since ``add_hparams`` would make a run of its own in a folder below.
        # For torch's types it is always None.
        self._file = cast("Any", self._writer.file_writer)
        data = spec.to_json()
        # The first of the three would fix the parameters and metrics of all runs side by side.
        # Without it TensorBoard finds out which there are.
        _, start, self._end = hparams(dict(_parameters(data)), {})  # type: ignore[no-untyped-call] # torch's
        if not before:
            self._file.add_summary(start)
            self._writer.add_text("spec", _as_code(json.dumps(data, indent=2)), step)

    def write_scalars(self, numbers: Mapping[str, float], step: int) -> None:
        """Write numbers under their names."""
        for name, number in numbers.items():
            self._writer.add_scalar(name, number, step)

    def write_image(self, name: str, path: Path, step: int) -> None:
        """Write the image of a file."""
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def flush(self) -> None:
        """Put on disk what has been written."""
        self._writer.flush()

    def close(self, *, completed: bool) -> None:
        """Put everything on disk, and write no more.

        Args:
            completed: whether the run is over, rather than stopped.
        """
        if completed:
            self._file.add_summary(self._end)
        self._writer.close()


def _parameters(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, float | str]]:
    """Yield the fields of a spec by their dotted paths; what is null is left out."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if path or key not in NO_HYPERPARAMETERS:
                yield from _parameters(each, (*path, key))
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value):
            yield from _parameters(each, (*path, str(number)))
    elif isinstance(value, str | float | int) and not isinstance(value, bool):
        yield ".".join(path), value
    elif value is not None:
        yield ".".join(path), json.dumps(value)


def _as_code(text: str) -> str:
    """Indent a text so that Markdown shows it as it is."""
    return "".join(f"    {line}\n" for line in text.splitlines())
