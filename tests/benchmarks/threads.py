"""Measures recipes with one thread, two, and as many as are chosen, beside busy processes or alone::

    uv run python tests/benchmarks/threads.py --busy 1

Each run is a process of its own. "waiting in a loop" is how threads wait for each other by default, and
"asleep" how the program has them wait (``OMP_WAIT_POLICY=PASSIVE``).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SETTINGS = {
    "2 threads, waiting in a loop": (2, False),
    "2 threads, asleep": (2, True),
    "1 thread": (1, True),
    "auto": ("auto", True),
}
RUN = (
    "import json, sys, ganzoo\n"
    "ganzoo.run(sys.argv[1], overrides=json.loads(sys.argv[2]), output=sys.argv[3])"
)
ENDLESS = [sys.executable, "-c", "while True: pass"]


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep as many cores busy."""
    processes = [subprocess.Popen(ENDLESS) for _ in range(count)]
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.wait()


def measure(recipe: str, threads: int | str, *, passive: bool, seconds: float) -> tuple[float, int]:
    """Train for some seconds; return images a second after the first line, and the threads."""
    changes = {
        "training.threads": threads,
        "evaluation": None,
        "output.log_every": "5 steps",
        "output.samples_every": "1000000 steps",
        "output.checkpoint_every": "1000000 steps",
    }
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OMP_")}
    environment |= {"OMP_WAIT_POLICY": "PASSIVE"} if passive else {}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-c", RUN, recipe, json.dumps(changes), str(run)]
        process = subprocess.Popen(command, env=environment)
        try:
            metrics = run / "metrics.jsonl"
            while not metrics.exists() and process.poll() is None:
                time.sleep(0.1)
            time.sleep(seconds)
            while metrics.read_bytes().count(b"\n") < 3 and process.poll() is None:
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        whole = [line for line in metrics.read_text("utf-8").splitlines() if line.endswith("}")]
        lines = [json.loads(line) for line in whole][1:]
        images = sum(line["images_per_second"] * line["seconds"] for line in lines)
        used = json.loads((run / "environment.json").read_text("utf-8"))["threads"]
        return images / sum(line["seconds"] for line in lines), used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0, help="other processes that never wait")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each run trains")
    parser.add_argument("--turns", type=int, default=3, help="times that all are measured")
    parser.add_argument("recipes", nargs="*", default=["ring", "digits"])
    arguments = parser.parse_args()
    for recipe in arguments.recipes:
        found: dict[str, list[tuple[float, int]]] = {name: [] for name in SETTINGS}
        with busy(arguments.busy):
            for _ in range(arguments.turns):
                for name, (threads, passive) in SETTINGS.items():
                    each = measure(recipe, threads, passive=passive, seconds=arguments.seconds)
                    found[name].append(each)
        for name, turns in found.items():
            rate = statistics.median(rate for rate, _ in turns)
            used = ", ".join(str(count) for _, count in turns)
            print(f"{recipe}: {name:<30}{rate:>10,.0f} images/s  (threads: {used})", flush=True)


if __name__ == "__main__":
    main()
