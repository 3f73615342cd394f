"""The lines of metrics.jsonl: reading them, and repairing the file when a run is resumed. Torch-free."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import CheckpointWarning
from ganzoo.utils.files import put_aside
from ganzoo.utils.hashing import json_hash

TIMES = frozenset(("seconds", "images_per_second"))
"""What differs between a run and the same run resumed."""


def parsed_line(line: bytes) -> dict[str, Any] | None:
    """Return the numbers or the action in a line, or None if it is not what a run logs."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or type(data.get("step")) is not int:
        return None
    if "action" in data:
        needed = ["callback", "reason", *(["finding"] if data["action"] == "warn" else [])]
        words = (data["action"], *map(data.get, needed))
        return data if all(isinstance(each, str) for each in words) else None
    return data if all(type(each) in {int, float} for each in data.values()) else None


def mark_of(content: bytes) -> dict[str, Any]:
    """Return what a checkpoint knows the file by: its lines, and their hash without the times."""
    parsed = [parsed_line(line) or {} for line in content.splitlines()]
    timeless = [{key: line[key] for key in line if key not in TIMES} for line in parsed]
    return {"lines": len(timeless), "sha256": json_hash(timeless)}


def lines_until(path: Path, step: int, mark: Mapping[str, Any] | None) -> bytes:
    """Return the lines up to a step.

    If they are not those that were logged, a warning says so, and the file is put aside.

    Args:
        path: the file.
        step: the step; -1 for no line at all.
        mark: what ``mark_of`` returned after the step, or None where it is not known.
    """
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    if mark is not None:
        logged = b"".join(lines[: mark["lines"]])
        if mark_of(logged) == mark:
            return logged
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()  # a kill cut it off
    parsed = {line: parsed_line(line) for line in lines}  # a line that is there twice, once
    if step >= 0 and (mark is not None or len(parsed) < len(lines) or None in parsed.values()):
        aside = put_aside(path)
        warnings.warn(
            f"{path} is not what was logged up to step {step}: the lines that can be read are kept,"
            f" and the file as it was is now {aside.name}",
            CheckpointWarning,
            stacklevel=4,
        )
    return b"".join(line for line, each in parsed.items() if each and each["step"] <= step)
