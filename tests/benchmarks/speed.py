"""Speed against the published programs: ``uv run python tests/benchmarks/speed.py``.

Every loop runs in a process of its own, in turn, several times; what is printed are medians of ratios
within one turn, since the speed of a machine drifts more than a ratio does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = [("r1", 64), ("r2", 4), ("r2", 64), ("r4", 64), ("r5", 64)]
LOOPS = ("published", "bare", "floor", "ganzoo")
GANZOO = (sys.executable, "-m", "ganzoo")
# As on a user's machine, where Python keeps what it has compiled.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
WORKER = Path(__file__).with_name("loops.py")


def measure(loop: str, name: str, batch: int, seconds: float, guess: float = 0.0) -> float:
    """Return images a second of one loop."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(WORKER),
        loop,
        name,
        str(batch),
        str(seconds),
        str(guess),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return float(json.loads(done.stdout)["images_per_second"])


def start_up() -> dict[str, float]:
    """Return seconds of whole processes, and from the command to the first step of a run."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        subprocess.run(
            [*GANZOO, "init", "digits", "-o", str(spec)], check=True, capture_output=True
        )
        for arguments in ("--help", "list", "schema", f"validate {spec}"):
            seconds[arguments.split()[0]] = statistics.median(
                process_seconds(arguments.split()) for _ in range(5)
            )
        seconds["to the first step of 'digits'"] = statistics.median(
            first_step_seconds(Path(folder) / f"run-{turn}") for turn in range(5)
        )
    return seconds


def process_seconds(arguments: list[str]) -> float:
    """Return the seconds of a whole command."""
    began = time.perf_counter()
    subprocess.run([*GANZOO, *arguments], check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - began


def first_step_seconds(output: Path) -> float:
    """Return the seconds from starting a run to the line of metrics of its first step."""
    settings = ["--set", "training.duration=1 steps", "--set", "output.log_every=1 steps"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*GANZOO, "run", "digits", "-o", str(output), *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    metrics = output / "metrics.jsonl"
    while not (metrics.exists() and metrics.stat().st_size):
        if process.poll() is not None:
            raise RuntimeError("the run ended before its first step")
        time.sleep(0.002)
    seconds = time.perf_counter() - began
    process.wait()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each loop in each turn")
    parser.add_argument("--cases", default=",".join(f"{name}:{batch}" for name, batch in CASES))
    options = parser.parse_args()
    columns = [*LOOPS, *(f"ganzoo/{loop}" for loop in LOOPS if loop != "ganzoo")]
    print(f"| images/s | {' | '.join(columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for case in options.cases.split(","):
        name, batch = case.split(":")[0], int(case.split(":")[1])
        rows = []
        guess = measure("bare", name, batch, 1.0)
        for _ in range(options.turns):
            rates = {loop: measure(loop, name, batch, options.seconds, guess) for loop in LOOPS}
            ratios = [rates["ganzoo"] / rates[loop] for loop in LOOPS if loop != "ganzoo"]
            rows.append([*rates.values(), *ratios])
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        absolute = " | ".join(f"{each:,.0f}" for each in medians[: len(LOOPS)])
        relative = " | ".join(f"{each:.2f}" for each in medians[len(LOOPS) :])
        print(f"| {name.upper()}, batch {batch} | {absolute} | {relative} |", flush=True)
    print()
    for name, value in start_up().items():
        print(f"{name}: {value:.2f} s")


if __name__ == "__main__":
    main()
