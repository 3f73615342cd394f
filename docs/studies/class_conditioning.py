"""How well do generators follow classes that they are told, and do codes without labels find them?

``uv run python docs/studies/class_conditioning.py`` trains small networks on digits, with each way to
use classes, and InfoGAN without them. It writes the tables of ``class-conditioning.md`` anew.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from ganzoo_digits.extractors import LeNetMnist

import ganzoo
from ganzoo.api import load_spec

PAGE = Path(__file__).with_name("class-conditioning.md")
STEPS = 1000
SAMPLES = 2000

PLAIN: dict[str, Any] = {"type": "dcgan", "channels": 16}
PROJECTION: dict[str, Any] = {**PLAIN, "conditional": True}


def with_heads(network: dict[str, Any], **heads: Any) -> dict[str, Any]:
    """Return a discriminator that predicts classes, as a spec has it."""
    return {"type": "with_heads", "network": network, "conditional": True, **heads}


METHODS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "projection": (PROJECTION, []),
    "acgan": (with_heads(PLAIN), ["acgan"]),
    "acgan, real only": (with_heads(PLAIN), [{"type": "acgan", "generated": False}]),
    "multi_hinge": (with_heads(PLAIN), ["multi_hinge"]),
    "contragan": (with_heads(PLAIN, embedding=128), ["contragan"]),
    "reacgan": (with_heads(PLAIN, embedding=128), ["reacgan"]),
    "projection and multi_hinge": (with_heads(PROJECTION), ["multi_hinge"]),
    "projection and reacgan": (with_heads(PROJECTION, embedding=128), ["reacgan"]),
}
"""The discriminator and the auxiliary losses of each way to use classes."""


def trained(spec: Any, seed: int, folder: Path, name: str) -> ganzoo.Run:
    """Train a run that is evaluated afterwards."""
    changes = {"seed": seed, "evaluation": None, "device": "cpu", "output.samples": 1}
    return ganzoo.run(load_spec(spec, overrides=changes), output=folder / f"{name}-{seed}")


def with_classes(method: str, seed: int, folder: Path) -> tuple[float, float]:
    """Return class agreement and Fréchet distance of a run."""
    discriminator, losses = METHODS[method]
    spec = load_spec("digits").model_dump(mode="json") | {
        "generator": PROJECTION,
        "discriminator": discriminator,
        "auxiliary_losses": losses,
    }
    spec["training"] |= {"duration": f"{STEPS} steps", "ema": {"decay": 0.99}}
    run = trained(spec, seed, folder, method.replace(" ", "-"))
    report = run.evaluate(
        metrics=["fd", "class_agreement"], extractor="lenet-mnist", samples=SAMPLES, save=False
    )
    agreement, distance = report.value("class_agreement").mean, report.value("fd").mean
    assert agreement is not None
    assert distance is not None
    return agreement, distance


def error_of_code(seed: int, folder: Path) -> tuple[float, float]:
    """Return how often codes and digits disagree: with one digit a code, and with any digit a code."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped] # it has no types

    run = trained("infogan-digits", seed, folder, "infogan")
    latents = run.latents(SAMPLES, seed=7)
    images = ((run.sample(latents=latents).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    with torch.no_grad():
        digits = LeNetMnist().build((1, 28, 28))(images)[1].argmax(1)
    counts = torch.zeros(10, 10)
    counts.index_put_((latents[:, :10].argmax(1), digits), torch.ones(SAMPLES), accumulate=True)
    assigned = counts[linear_sum_assignment(-counts)].sum().item()
    return 1 - assigned / SAMPLES, 1 - counts.amax(1).sum().item() / SAMPLES


def study_classes(seeds: range, folder: Path, only: list[str]) -> list[str]:
    """Return the table of ways to use classes."""
    results: dict[str, list[tuple[float, float]]] = {method: [] for method in only}
    for seed, method in product(seeds, only):
        results[method].append(with_classes(method, seed, folder))
        print(method, seed, results[method][-1], flush=True)  # noqa: T201 - a program that prints
    rows = ["| discriminator and losses | class agreement | FD@lenet-mnist |", "|---|---|---|"]
    for method, numbers in results.items():
        columns = (", ".join(f"{each:.3g}" for each in row) for row in zip(*numbers, strict=True))
        rows.append(f"| {method} | {' | '.join(columns)} |")
    return rows


def study_codes(seeds: range, folder: Path) -> list[str]:
    """Return the table of codes."""
    rows = ["| seed | error, one digit a code | error, any digit a code |", "|---|---|---|"]
    results = []
    for seed in seeds:
        results.append(error_of_code(seed, folder))
        rows.append(f"| {seed} | {results[-1][0]:.1%} | {results[-1][1]:.1%} |")
        print(rows[-1], flush=True)  # noqa: T201 - a program that prints
    one, any_digit = (median(row) for row in zip(*results, strict=True))
    return [*rows, f"| median | {one:.1%} | {any_digit:.1%} |"]


def rewrite(section: str, rows: list[str]) -> None:
    """Put rows in their table on the page, each in place of one with the same first cell."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {section} -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    found = {row.split("|")[1]: row for row in [*old.splitlines(), *rows]}
    table = "\n".join(found.values())
    PAGE.write_text(f"{before}<!-- {section} -->\n{table}\n<!-- end -->{after}", encoding="utf-8")


def main() -> None:
    """Run the study, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--part", choices=["classes", "codes"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.part != "codes":
            rewrite("classes", study_classes(range(chosen.seeds), Path(folder), chosen.methods))
        if chosen.part != "classes":
            rewrite("codes", study_codes(range(chosen.seeds), Path(folder)))


if __name__ == "__main__":
    main()
