"""Which spec makes the best digits in the time that the recipe ``digits`` takes?

Run from the root of the repository:
``uv run python docs/studies/digits.py pairing --fraction 0.33``.

Each candidate is the former recipe with some changes, and is trained for as long as costs the same: its
``cost`` is the time of a step on one thread, in steps of the former recipe (``--costs`` measures it),
and the former recipe takes 4,000. Runs are added to ``digits.jsonl``, from which the tables of
``digits.md`` and the plot are made.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import torch

import ganzoo
from ganzoo.api import load_spec
from ganzoo.runs.report import read_report
from ganzoo.training.setup import prepare

PAGE = Path(__file__).with_suffix(".md")
RUNS = Path(__file__).with_suffix(".jsonl")
PLOT = PAGE.parents[1] / "images" / "digits-study.png"
STEPS = 4000
"""Steps of the former recipe, which set the budget."""

BASELINE = 3.08
"""FD of 1,000 other real digits."""

Changes = dict[str, Any]


class Candidate(NamedTuple):
    """A spec that was tried.

    Attributes:
        words: what differs from the former recipe.
        cost: of a step, in steps of the former recipe.
        changes: of that recipe.
    """

    words: str
    cost: float
    changes: Changes


def rates(
    generator: float, discriminator: float, betas: tuple[float, float] = (0.5, 0.999)
) -> Changes:
    """Return both optimizers, with learning rates that fall to 0 along a cosine."""
    return {
        f"{network}_optimizer": {
            "type": "adam",
            "lr": {"type": "cosine", "start": rate, "end": 0.0},
            "betas": list(betas),
        }
        for network, rate in (("generator", generator), ("discriminator", discriminator))
    }


def r1(weight: Any, every: int = 1) -> dict[str, Any]:
    """Return the penalty of gradients at real images."""
    return {"type": "r1", "weight": weight, "every": every}


def dcgan(channels: int, **more: Any) -> dict[str, Any]:
    """Return a conditional network of ``dcgan``."""
    return {"type": "dcgan", "channels": channels, "conditional": True, **more}


def falling(rate: float) -> dict[str, Any]:
    """Return a learning rate that is constant for the first half, then falls to 0 along a line."""
    line = {"type": "linear", "start": rate, "end": 0.0}
    return {"type": "sequence", "parts": [rate, line], "at": [0.5]}


FORMER: Changes = {
    "generator": dcgan(48),
    "discriminator": dcgan(48),
    "loss": "bce",
    "regularizers": [],
    "latent": {"type": "normal", "dim": 64},
    "generator_optimizer": {"type": "adam", "lr": falling(3e-4)},
    "discriminator_optimizer": {"type": "adam", "lr": falling(2e-4)},
    "training.batch_size": 64,
}
"""The recipe as it was up to this study."""

RESNET = {"type": "resnet", "channels": [64, 32, 16], "embedding": 32, "conditional": True}
PLAIN = dcgan(48, normalization="none")
SMALL = dcgan(32, normalization="none")
SPECTRAL = dcgan(48, normalization="none", parametrizations=["spectral_norm"])
SHIFTS = {"type": "diffaugment", "operations": ["translation"]}
PAIRING: Changes = {"loss": "relativistic_pairing", **rates(1e-3, 1e-3, (0.0, 0.99))}

CANDIDATES: dict[str, Candidate] = {
    "former": Candidate("the recipe as it was", 1.0, {}),
    "former-cosine": Candidate("rates 0.0015 and 0.001, cosine", 1.0, rates(1.5e-3, 1e-3)),
    "former-shifts": Candidate(
        "images shifted at random (`diffaugment`)", 1.0, {"augmentation": SHIFTS}
    ),
    "resnet": Candidate(
        "`resnet` generator, rates 0.0006 and 0.0004, cosine",
        1.54,
        {"generator": RESNET, **rates(6e-4, 4e-4)},
    ),
    "resnet-hinge": Candidate(
        "`resnet` generator; `hinge`, spectral norm instead of batch norm, rates 0.001",
        1.54,
        {
            "generator": RESNET,
            "discriminator": SPECTRAL,
            "loss": "hinge",
            **rates(1e-3, 1e-3, (0.0, 0.9)),
        },
    ),
    "pairing": Candidate(
        "`relativistic_pairing`, `r1` of 0.2, no batch norm in the discriminator, rates 0.001",
        1.35,
        {"discriminator": PLAIN, "regularizers": [r1(0.2)], **PAIRING},
    ),
    "pairing-resnet": Candidate(
        "the same with a `resnet` generator and `r1` of 0.1 every 4th step",
        1.65,
        {"generator": RESNET, "discriminator": PLAIN, "regularizers": [r1(0.1, 4)], **PAIRING},
    ),
    "pairing-resnet-small": Candidate(
        "the same, discriminator of 32 channels",
        1.30,
        {"generator": RESNET, "discriminator": SMALL, "regularizers": [r1(0.1, 4)], **PAIRING},
    ),
    "pairing-resnet-fast": Candidate(
        "the same, rates 0.002",
        1.30,
        {
            "generator": RESNET,
            "discriminator": SMALL,
            "regularizers": [r1(0.1, 4)],
            "loss": "relativistic_pairing",
            **rates(2e-3, 2e-3, (0.0, 0.99)),
        },
    ),
    "pairing-resnet-falling": Candidate(
        "rates 0.001, `r1` falls from 0.1 to 0.01",
        1.30,
        {
            "generator": RESNET,
            "discriminator": SMALL,
            "regularizers": [r1({"type": "cosine", "start": 0.1, "end": 0.01}, 4)],
            **PAIRING,
        },
    ),
    "digits": Candidate("the recipe as it is now", 4 / 3, {}),
}
"""What was tried, in order."""


def spec_of(name: str, seed: int, fraction: float) -> ganzoo.RunSpec:
    """Return the spec of a candidate, as long as a fraction of the budget allows."""
    cost, changes = CANDIDATES[name][1:]
    steps = round(STEPS * fraction / cost)
    return load_spec(
        "digits",
        overrides={
            **(changes if name == "digits" else FORMER | changes),
            "training.ema": {"decay": round(1 - 0.002 * STEPS / steps, 4)},
            "training.duration": f"{steps} steps",
            "evaluation.every": f"{500 if fraction == 1 else -(-steps // 6)} steps",
            "seed": seed,
            "device": "cpu",
        },
    )


def train(name: str, seed: int, fraction: float, folder: Path) -> dict[str, Any]:
    """Train a candidate, and return what is kept of the run."""
    run = ganzoo.run(spec_of(name, seed, fraction), output=folder / f"{name}-{seed}")
    return record(run, name, seed, fraction)


def record(run: ganzoo.Run, name: str, seed: int, fraction: float) -> dict[str, Any]:
    """Return what is kept of a run: its numbers at each evaluation."""
    curve = []
    for path in sorted((run.path / "evaluation").glob("step-*.json")):
        report = read_report(path)
        means = [report.value(quantity).mean for quantity in ("fd", "recall", "precision")]
        numbers = [round(mean, 3) for mean in means if mean is not None]
        curve.append([report.subject.step, *numbers])
    return {"candidate": name, "seed": seed, "fraction": fraction, "curve": curve}


def runs() -> list[dict[str, Any]]:
    """Return all that was kept; of a run that was repeated, the last."""
    lines = [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()]
    last = {(each["candidate"], each["seed"], each["fraction"]): each for each in lines}
    return list(last.values())


def best(run: dict[str, Any]) -> list[float]:
    """Return step, FD, recall and precision of the checkpoint with the lowest FD."""
    return min(run["curve"], key=lambda numbers: numbers[1])


def search_table(found: list[dict[str, Any]]) -> Iterable[str]:
    """Yield the rows of the runs that had a part of the budget."""
    yield "| candidate | what differs | cost of a step | budget | steps | FD | recall | precision |"
    yield "|---|---|---|---|---|---|---|---|"
    for run in found:
        words, cost, _ = CANDIDATES[run["candidate"]]
        _, fd, recall, precision = best(run)
        steps = run["curve"][-1][0]
        budget = cost * steps / STEPS
        yield (
            f"| `{run['candidate']}` | {words} | {cost:.2f} | {budget:.0%} | {steps:,}"
            f" | {fd:.2f} | {recall:.2f} | {precision:.2f} |"
        )


def seeds_table(found: list[dict[str, Any]]) -> Iterable[str]:
    """Yield the rows of the candidates that had the whole budget."""
    yield "| candidate | steps | seeds | FD, median | FD, worst | recall, median | recall, worst |"
    yield "|---|---|---|---|---|---|---|"
    for name in dict.fromkeys(run["candidate"] for run in found):
        chosen = [run for run in found if run["candidate"] == name]
        _, fds, recalls, _ = zip(*(best(run) for run in chosen), strict=True)
        yield (
            f"| `{name}` | {chosen[0]['curve'][-1][0]:,} | {len(chosen)}"
            f" | {statistics.median(fds):.2f} | {max(fds):.2f}"
            f" | {statistics.median(recalls):.2f} | {min(recalls):.2f} |"
        )


def write_page() -> None:
    """Make the tables and the plot from what was kept."""
    found = runs()
    whole = [run for run in found if run["fraction"] == 1]
    parts = [run for run in found if run["fraction"] < 1]
    text = PAGE.read_text(encoding="utf-8")
    for section, rows in (("search", search_table(parts)), ("seeds", seeds_table(whole))):
        before, rest = text.split(f"<!-- {section} -->\n", 1)
        after = rest.split("<!-- end -->", 1)[1]
        table = "\n".join(rows)
        text = f"{before}<!-- {section} -->\n{table}\n<!-- end -->{after}"
    PAGE.write_text(text, encoding="utf-8")
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    names = list(dict.fromkeys(run["candidate"] for run in whole))
    for run in whole:
        index = names.index(run["candidate"])
        steps, fds, *_ = zip(*run["curve"], strict=True)
        cost = CANDIDATES[run["candidate"]].cost
        label = (
            run["candidate"]
            if run is next(r for r in whole if r["candidate"] == names[index])
            else None
        )
        axes.plot([2 * cost * step / STEPS for step in steps], fds, color=f"C{index}", label=label)
    axes.axhline(BASELINE, color="grey", linestyle=":", label="other real digits")
    axes.set(xlabel="minutes on two cores (by the cost of steps)", ylabel="FD@lenet-mnist")
    axes.set(yscale="log", xlim=(0, None))
    axes.legend()
    figure.savefig(PLOT, dpi=110)


def milliseconds(name: str, steps: int) -> float:
    """Measure the time of a step on one thread, without the slowest quarter."""
    spec = spec_of(name, seed=0, fraction=1.0)
    state = prepare(spec, spec.check(), torch.device("cpu")).state
    taken = []
    for step in range(steps + 2):
        begin = time.thread_time()
        state.game.step(state.batches.next, step, 0.0)
        taken.append(1000 * (time.thread_time() - begin))
    return statistics.mean(sorted(taken[2:])[: 3 * steps // 4])


def main() -> None:
    """Train candidates, or measure what they cost, and make the page anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", nargs="*", choices=[[], *CANDIDATES])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--fraction", type=float, default=1.0, help="of the budget")
    parser.add_argument("--costs", action="store_true", help="measure the cost of steps instead")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in chosen.candidates:
        if (
            chosen.costs
        ):  # the former recipe before and after, since the machine may change its pace
            before, own, after = (milliseconds(each, 12) for each in ("former", name, "former"))
            print(f"{name}: {2 * own / (before + after):.2f}", flush=True)  # noqa: T201 - a program that prints
            continue
        for seed in chosen.seeds:
            with tempfile.TemporaryDirectory() as folder:
                run = train(name, seed, chosen.fraction, Path(folder))
            with RUNS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(run) + "\n")
            print(run, flush=True)  # noqa: T201 - a program that prints
    if not chosen.costs:
        write_page()


if __name__ == "__main__":
    main()
