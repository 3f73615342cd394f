"""Do the recipes of points find all modes, whatever the seed?

``uv run python docs/studies/mixtures.py`` trains each recipe with five seeds, writes the tables of
``mixtures.md`` anew, and draws the final samples of the last seed trained.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import ganzoo
from ganzoo.api import load_spec
from ganzoo.runs.report import read_report

PAGE = Path(__file__).with_suffix(".md")
IMAGES = PAGE.parents[1] / "images"
CHECKS = 5
BOUNDS = {"ring": (8, 0.98), "grid": (25, 0.97), "grid100": (100, 0.985)}
"""The modes and the fraction of high quality that each of the last checks must reach."""


def trained(recipe: str, seed: int, folder: Path) -> tuple[str, ganzoo.Run]:
    """Train a recipe; return its row of the table and the run."""
    spec = load_spec(recipe, overrides=[f"seed={seed}", "device=cpu"])
    began = time.process_time()
    run = ganzoo.run(spec, output=folder / f"{recipe}-{seed}")
    seconds = time.process_time() - began
    checks = run.directory.training_reports()
    reports = [read_report(checks[step]) for step in sorted(checks)[-CHECKS:]]
    modes, quality, distance = (
        [each.value(name).mean or 0.0 for each in reports]
        for name in ("modes", "high_quality", "fd@identity")
    )
    needed, least = BOUNDS[recipe]
    passed = "yes" if min(modes) >= needed and min(quality) >= least else "no"
    findings = [each["finding"] for each in run.actions() if each["action"] == "warn"]
    named = ", ".join(dict.fromkeys(findings)) or "nothing"
    row = (
        f"| {recipe} | {seed} | {min(modes):.0f} of {needed} | {100 * min(quality):.1f} %"
        f" | {100 * quality[-1]:.1f} % | {distance[-1]:.2g} | {seconds:.0f} | {passed} | {named} |"
    )
    return row, run


def summary(rows: list[str]) -> list[str]:
    """Return the table of medians and worst values over the seeds of each recipe."""
    lines = [
        "| recipe | passed | modes | high quality, median | worst | CPU seconds |",
        "|---|---|---|---|---|---|",
    ]
    for recipe in BOUNDS:
        found = [cells for cells in map(cells_of, rows) if cells[0] == recipe]
        if not found:
            continue
        quality = [float(cells[3].split()[0]) for cells in found]
        modes = min((cells[2] for cells in found), key=lambda text: int(text.split()[0]))
        passed = sum(cells[7] == "yes" for cells in found)
        seconds = statistics.median(float(cells[6]) for cells in found)
        lines.append(
            f"| {recipe} | {passed} of {len(found)} | {modes}"
            f" | {statistics.median(quality):.1f} % | {min(quality):.1f} % | {seconds:.0f} |"
        )
    return lines


def cells_of(row: str) -> list[str]:
    """Return the cells of a row of a table."""
    return [cell.strip() for cell in row.strip("|").split("|")]


def rewrite(section: str, rows: list[str], key: int) -> list[str]:
    """Put rows in their table on the page, each in place of one with the same first cells."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {section} -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    table = {tuple(cells_of(row)[:key]): row for row in [*old.splitlines(), *rows]}
    PAGE.write_text(
        f"{before}<!-- {section} -->\n" + "\n".join(table.values()) + f"\n<!-- end -->{after}",
        encoding="utf-8",
    )
    return list(table.values())


def draw(recipe: str, run: ganzoo.Run) -> None:
    """Draw as many generated points as a check has, beside as many real ones."""
    dataset = run.spec.dataset
    real = dataset.build("test").samples[:2500]
    figure, panels = plt.subplots(1, 2, figsize=(6, 3.1), layout="constrained")
    for panel, points, title in (
        (panels[0], real, "real"),
        (panels[1], np.asarray(run.sample(2500)), "generated"),
    ):
        panel.scatter(*points.T, s=1, linewidths=0, color="tab:blue")
        panel.set(title=title, aspect="equal", xticks=[], yticks=[])
    limits = [
        (low - 0.1 * (high - low), high + 0.1 * (high - low))
        for low, high in zip(real.min(0), real.max(0), strict=True)
    ]
    for panel in panels:
        panel.set(xlim=limits[0], ylim=limits[1])
    figure.savefig(IMAGES / f"mixtures-{recipe}.png", dpi=100)
    plt.close(figure)


def main() -> None:
    """Run the study, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(BOUNDS), choices=list(BOUNDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for recipe in chosen.recipes:
            for seed in chosen.seeds:
                row, run = trained(recipe, seed, Path(folder))
                print(row, flush=True)  # noqa: T201 - a program that prints
                rows = rewrite("seeds", [row], key=2)
                rewrite("summary", summary(rows), key=1)
                if seed == chosen.seeds[-1]:
                    draw(recipe, run)


if __name__ == "__main__":
    main()
