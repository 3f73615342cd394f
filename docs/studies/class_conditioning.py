"""How well do generators follow the classes that they are told?

``uv run python docs/studies/class_conditioning.py`` trains small networks on digits, with each way to
use classes. It writes the table of ``class-conditioning.md`` anew, row by row.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import ganzoo
from ganzoo.api import load_spec

PAGE = Path(__file__).with_name("class-conditioning.md")
STEPS = 1000
SAMPLES = 2000

PLAIN: dict[str, Any] = {"type": "dcgan", "channels": 32, "normalization": "none"}
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


def with_classes(method: str, seed: int, folder: Path) -> tuple[float, float]:
    """Return class agreement and Fréchet distance of a run."""
    discriminator, losses = METHODS[method]
    changes = {
        "discriminator": discriminator,
        "auxiliary_losses": losses,
        "training.duration": f"{STEPS} steps",
        "training.ema.decay": 0.99,
        "seed": seed,
        "evaluation": None,
        "device": "cpu",
        "output.samples": 1,
    }
    run = ganzoo.run(load_spec("digits", overrides=changes), output=folder / f"{method}-{seed}")
    report = run.evaluate(
        metrics=["fd", "class_agreement"], extractor="lenet-mnist", samples=SAMPLES, save=False
    )
    agreement, distance = report.value("class_agreement").mean, report.value("fd").mean
    assert agreement is not None
    assert distance is not None
    return agreement, distance


def rewrite(row: str) -> None:
    """Put a row in the table on the page, in place of one of the same method and seed."""
    print(row, flush=True)  # noqa: T201 - a program that prints
    before, rest = PAGE.read_text(encoding="utf-8").split("<!-- classes -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    found = {tuple(each.split("|")[:3]): each for each in [*old.splitlines(), row]}
    table = "\n".join(found.values())
    PAGE.write_text(f"{before}<!-- classes -->\n{table}\n<!-- end -->{after}", encoding="utf-8")


def main() -> None:
    """Run the study, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for method, seed in product(chosen.methods, chosen.seeds):
            agreement, distance = with_classes(method, seed, Path(folder))
            rewrite(f"| {method} | {seed} | {agreement:.3f} | {distance:.1f} |")


if __name__ == "__main__":
    main()
