"""An evaluation by several processes has the numbers of one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.runs.report import Report, read_report
from ganzoo.utils.distributed import shard


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


COUNT, SEEDS = 331, [5, 6]
"""An odd number of samples, and so few that one of two processes has none to make."""


def run_by_two(run: Path, report: Path) -> Report:
    """Evaluate a run by two processes, as torchrun would start them."""
    arguments = ["evaluate", str(run), "-n", str(COUNT), "--seeds", "5,6", "--device", "cpu"]
    command = [sys.executable, "-m", "ganzoo", *arguments, "--json", str(report)]
    shared = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": "2",
    }
    started = [
        subprocess.Popen(
            command,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert outputs[0][0]
    assert not outputs[1][0]  # the first says everything
    return read_report(report)


def test_two_processes_find_what_one_finds(evaluated: ganzoo.Run, tmp_path: Path) -> None:
    run = ganzoo.open_run(shutil.copytree(evaluated.path, tmp_path / "run"))
    one = run.evaluate(samples=COUNT, seeds=SEEDS, device="cpu", save=False)
    two = run_by_two(run.path, tmp_path / "two.json")
    assert [each.name for each in two.values] == [each.name for each in one.values]
    for alone, together in zip(one.values, two.values, strict=True):
        assert together.per_seed == pytest.approx(alone.per_seed, rel=1e-6)
        assert together.protocol == alone.protocol
        assert together.fingerprint == alone.fingerprint
    assert run.reports() == [two]


def test_alone_a_process_takes_everything() -> None:
    assert shard(1331, 512) == range(1331)
    assert shard(0, 512) == range(0)


@pytest.mark.parametrize("number", ["abc", "0", "-2", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(
    number: str, evaluated: ganzoo.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", number)
    with pytest.raises(UsageError, match=f"WORLD_SIZE: must be the number .* not '{number}'"):
        evaluated.evaluate(samples=10, save=False)


def test_processes_that_cannot_join_are_refused(
    evaluated: ganzoo.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UsageError, match="WORLD_SIZE is set, but processes cannot join"):
        evaluated.evaluate(samples=10, save=False)
