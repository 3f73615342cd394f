"""The whole state of training in one safetensors file: tensors, and JSON as its metadata."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganzoo.errors import CheckpointError, CheckpointWarning, TrainingError, in_a_line
from ganzoo.runs.directory import RunDirectory, step_name
from ganzoo.utils.files import put_aside, write_atomically
from ganzoo.utils.tensors import read_safetensors, to_safetensors

FORMAT = "ganzoo-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """What a run with a resolved spec continues from after a step.

    Tensors have slash-separated names; values are what is not a tensor, as JSON holds it.
    """

    step: int
    spec: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]

    def save(self, run: RunDirectory) -> Path:
        """Write the checkpoint and return its path; ``TrainingError`` if it would need a pickle."""
        path = run.checkpoint_path(self.step)
        header = {"format": FORMAT, "step": self.step, "spec": self.spec, "values": self.values}
        try:
            content = to_safetensors(self.tensors, header)
        except TypeError as error:
            raise TrainingError(f"{_invalid_state(self.values)}: {error}") from None
        write_atomically(path, content)
        return path

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint; raise ``CheckpointError`` if the file is damaged or is not one."""
        header, tensors = read_safetensors(path)
        try:
            if header["format"] != FORMAT:
                raise CheckpointError(f"{path}: unknown format {header['format']!r}")
            found = cls(header["step"], header["spec"], tensors, header["values"])
        except (LookupError, TypeError) as error:
            raise CheckpointError(f"{path} is not a checkpoint: {in_a_line(error)}") from None
        if path.stem != step_name(found.step):
            raise CheckpointError(f"{path} is the checkpoint of another step, {found.step}")
        return found


def _invalid_state(values: Mapping[str, Any]) -> str:
    """Return whose state JSON cannot hold, in words, and what it must be."""
    for each in values.get("callbacks", {}).get("states", ()):
        if not _is_json(each["state"]):
            return f"the state of callback {each['component']['type']!r} must be what JSON can hold"
    for key in ("optimizers", "slots", "scalers", "factors"):
        for name, state in values.get(key, {}).items():
            if not _is_json(state):
                return f"the state of optimizer {name!r} must be tensors and what JSON can hold"
    return "the state of the run must be tensors and what JSON can hold"


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def prune(run: RunDirectory, keep: int, best: int | None = None) -> None:
    """Delete all checkpoints but the newest ones, as many as ``keep``, and that of the best step."""
    for path in run.checkpoints()[keep:]:
        if best is None or path != run.checkpoint_path(best):
            path.unlink()


def newest_checkpoint(run: RunDirectory) -> Checkpoint | None:
    """Return the newest checkpoint that can be read, or None: the run then starts again.

    Those that cannot be read are warned of and put aside, with ``.damaged`` added to their names.
    """
    paths = run.checkpoints()
    for index, path in enumerate(paths, 1):
        try:
            return Checkpoint.load(path)
        except CheckpointError as error:
            put_aside(path)
            older = "the one before it is used" if index < len(paths) else "no other is left"
            warnings.warn(f"{error}; {older}", CheckpointWarning, stacklevel=2)
    return None
