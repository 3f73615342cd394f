"""Arguments from Python programs: a sentence where one is not of the kind that is needed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError, UsageError


def as_path(name: str, value: Any) -> Path:
    """Return an argument of this name as a path; ``UsageError`` if it is not one."""
    try:
        return Path(value)
    except TypeError:
        raise UsageError(f"{name}: expected a path, not {value!r}") from None


def as_integer(name: str, value: Any) -> int:
    """Return an argument of this name, which may be of numpy, as an integer; else ``RunError``."""
    number = as_number(name, value, "an integer")
    if number != int(number):
        raise RunError(f"{name}: expected an integer, not {value!r}")
    return int(value)


def as_number(name: str, value: Any, what: str = "a number") -> float:
    """Return an argument of this name as a finite number; ``RunError`` if it is not one."""
    try:
        if not isinstance(value, str | bytes) and math.isfinite(value):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise RunError(f"{name}: expected {what}, not {value!r}")
