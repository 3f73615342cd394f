"""The memory of the machine. Torch-free."""

from __future__ import annotations

import math
import os


def machine_memory() -> float:
    """Return the bytes of memory of this machine, or infinity where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return math.inf
