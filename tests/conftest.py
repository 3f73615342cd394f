"""What holds for all tests, and the fixtures that all share."""

from __future__ import annotations

import os
import sys

from fixtures import cache_directory, install, load_plugins
from hypothesis import settings

__all__ = ["cache_directory", "install", "load_plugins"]

# Tensors of tests are small: several threads would wait for each other. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program does

# The same examples each time, and no time limit on any of them.
settings.register_profile("ganzoo", derandomize=True, deadline=None)
settings.load_profile("ganzoo")


def pytest_sessionfinish() -> None:
    """Forget tensors that worker processes sent: torch complains of them when Python has ended."""
    reductions = sys.modules.get("torch.multiprocessing.reductions")
    if reductions is not None:
        reductions.shared_cache.clear()
