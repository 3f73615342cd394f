"""Memory: a run takes little beyond the libraries it needs, and does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

MEBIBYTE = 2**20
MNIST = "dataset=mnist-5k"

PROGRAM = """
import json, re, resource, sys
import torch, torchmetrics, torchvision
import ganzoo

PAGE = resource.getpagesize()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE

class Watch:
    seen = []

    @ganzoo.hookimpl
    def ganzoo_step_finished(self, step):
        self.seen.append(resident())

watch, libraries = Watch(), resident()
ganzoo.run(ganzoo.load_spec(sys.argv[1], overrides=sys.argv[3:]), output=sys.argv[2], listeners=[watch])
# Not getrusage's peak: it begins at that of the process that started this one.
with open("/proc/self/status") as file:
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", file.read())[1]) * 1024
print(json.dumps({"seen": watch.seen, "peak": peak - libraries}))
"""


def measured(recipe: str, output: Path, *overrides: str) -> dict[str, list[int] | int]:
    """Return resident bytes at logged steps, and the peak beyond that of the libraries, of a run."""
    command = [sys.executable, "-c", PROGRAM, recipe, str(output), *overrides]
    # One thread: on a busy machine several wait for each other at every step.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=200, env=environment
    )
    result: dict[str, list[int] | int] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's accounting")
@pytest.mark.parametrize(
    "recipe", ["mlp-mnist", "dcgan-mnist", "fc-fashion", "cnn-fashion", "digits"]
)
def test_a_run_of_a_recipe_takes_less_than_half_a_gibibyte(recipe: str, tmp_path: Path) -> None:
    result = measured(recipe, tmp_path / "run", MNIST, 'training.duration="6 steps"')
    assert isinstance(result["peak"], int)
    assert result["peak"] < 512 * MEBIBYTE


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's accounting")
@pytest.mark.parametrize(
    ("recipe", "overrides"),
    [
        ("ring", ()),
        ("grid", ()),
        # Judging it reads 26,000 real images, which takes half a minute.
        ("stacked-mnist", ("evaluation=null",)),
    ],
)
def test_so_does_one_with_all_of_a_larger_data_set(
    recipe: str, overrides: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 300 MB of stacked digits are mapped from a cache that is gone after the test."""
    with TemporaryDirectory() as cache:
        monkeypatch.setenv("GANZOO_CACHE", cache)
        result = measured(recipe, tmp_path / "run", 'training.duration="6 steps"', *overrides)
    assert isinstance(result["peak"], int)
    assert result["peak"] < 512 * MEBIBYTE


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's accounting")
def test_a_run_does_not_grow_over_two_thousand_steps(tmp_path: Path) -> None:
    result = measured(
        "fc-fashion",
        tmp_path / "run",
        MNIST,
        'training.duration="2400 steps"',
        'output.log_every="200 steps"',
        'output.samples_every="200 steps"',
        'output.checkpoint_every="200 steps"',
    )
    seen = result["seen"]
    assert isinstance(seen, list)
    assert len(seen) == 12
    assert seen[-1] - seen[1] < 16 * MEBIBYTE
