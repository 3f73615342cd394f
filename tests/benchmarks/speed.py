"""Speed against the published programs: ``uv run python tests/benchmarks/speed.py``.

Every loop runs in a process of its own, in turn, several times; what is printed are medians of ratios
within one turn, since the speed of a machine drifts more than a ratio does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = [("r1", 64), ("r2", 4), ("r2", 64), ("r4", 64), ("r5", 64)]
LOOPS = ("published", "bare", "floor", "ganzoo")
WORKER = Path(__file__).with_name("loops.py")


def measure(loop: str, name: str, batch: int, seconds: float, guess: float = 0.0) -> float:
    """Return images a second of one loop."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(LOOPS),
        loop,
        name,
        str(batch),
        str(seconds),
        str(guess),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)["images_per_second"])


def start_up() -> dict[str, float]:
    """Return seconds of whole processes: commands without torch, and a run to its first step."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        commands = {
            "ganzoo --help": ["--help"],
            "ganzoo list": ["list"],
            "ganzoo schema": ["schema"],
            "ganzoo validate": ["validate", str(spec)],
            "to the first step": [
                *["run", "digits", "--set", 'training.duration="1 steps"'],
                *["-o", str(Path(folder) / "run")],
            ],
        }
        subprocess.run(
            [sys.executable, "-m", "ganzoo", "init", "digits", "-o", str(spec)], check=True
        )
        for name, arguments in commands.items():
            times = []
            for turn in range(5):
                command = [sys.executable, "-m", "ganzoo", *arguments]
                if arguments[-2] == "-o":
                    command[-1] += str(turn)
                began = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                times.append(time.perf_counter() - began)
            seconds[name] = statistics.median(times)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each loop in each turn")
    parser.add_argument("--cases", default=",".join(f"{name}:{batch}" for name, batch in CASES))
    options = parser.parse_args()
    print(
        f"| {'case':<12} | published | bare | ganzoo | floor | ganzoo/published | ganzoo/bare | ganzoo/floor |"
    )
    print("|---|---|---|---|---|---|---|---|")
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
