"""How well do generators follow classes that they are told, and do codes without labels find them?

``uv run python docs/studies/class_conditioning.py`` trains small networks on digits, with each way to
use classes, and InfoGAN without them. It writes the tables of ``class-conditioning.md`` row by row.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import torch
from ganzoo_digits.extractors import LeNetMnist

import ganzoo
from ganzoo.api import load_spec

PAGE = Path(__file__).with_name("class-conditioning.md")
STEPS = 1200
SAMPLES = 2000

PLAIN: dict[str, Any] = {"type": "dcgan", "channels": 24}
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


def trained(recipe: str, seed: int, path: Path, **changes: Any) -> ganzoo.Run:
    """Train a recipe that is evaluated afterwards, with changes, in a folder."""
    changes |= {"seed": seed, "evaluation": None, "device": "cpu", "output.samples": 1}
    return ganzoo.run(load_spec(recipe, overrides=changes), output=path)


def with_classes(method: str, seed: int, folder: Path) -> tuple[float, float]:
    """Return class agreement and Fréchet distance of a run."""
    discriminator, losses = METHODS[method]
    changes = {
        "generator": PROJECTION,
        "discriminator": discriminator,
        "auxiliary_losses": losses,
        "training.duration": f"{STEPS} steps",
        "training.ema.decay": 0.99,
    }
    run = trained("digits", seed, folder / f"{method}-{seed}", **changes)
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

    run = trained("infogan-digits", seed, folder / f"infogan-{seed}")
    latents = run.latents(SAMPLES, seed=7)
    images = ((run.sample(latents=latents).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    with torch.no_grad():
        digits = LeNetMnist().build((1, 28, 28))(images)[1].argmax(1)
    counts = torch.zeros(10, 10)
    counts.index_put_((latents[:, :10].argmax(1), digits), torch.ones(SAMPLES), accumulate=True)
    assigned = counts[linear_sum_assignment(-counts)].sum().item()
    return 1 - assigned / SAMPLES, 1 - counts.amax(1).sum().item() / SAMPLES


def rewrite(section: str, row: str, key: int) -> None:
    """Put a row in its table on the page, in place of one with the same first cells."""
    print(row, flush=True)  # noqa: T201 - a program that prints
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {section} -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    found = {tuple(each.split("|")[: key + 1]): each for each in [*old.splitlines(), row]}
    table = "\n".join(found.values())
    PAGE.write_text(f"{before}<!-- {section} -->\n{table}\n<!-- end -->{after}", encoding="utf-8")


def main() -> None:
    """Run the study, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--code-seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--part", choices=["classes", "codes"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.part != "codes":
            for method, seed in product(chosen.methods, chosen.seeds):
                agreement, distance = with_classes(method, seed, Path(folder))
                row = f"| {method} | {seed} | {agreement:.3f} | {distance:.1f} |"
                rewrite("classes", row, key=2)
        if chosen.part != "classes":
            for seed in chosen.code_seeds:
                one, any_digit = error_of_code(seed, Path(folder))
                rewrite("codes", f"| {seed} | {one:.1%} | {any_digit:.1%} |", key=1)


if __name__ == "__main__":
    main()
