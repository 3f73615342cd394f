"""The loops that ganzoo is compared with still run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.mark.parametrize("loop", ["published", "bare"])
def test_a_loop_to_compare_with_runs(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from benchmarks import loops

    program = loops.program("r4")
    try:
        if loop == "published":
            rate = loops.published(program, 4, 0.01)
        else:
            rate = loops.bare("r4", program, 4, 0.01)
    finally:
        torch.set_flush_denormal(False)
    assert rate > 0
