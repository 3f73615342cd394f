"""What the programs that ganzoo grew out of say of GANs, measured.

``uv run python docs/studies/claims.py`` trains every study in ``claims/`` and writes a page for each:
``claims/<name>.md`` with its plot. Name some to run those only. Runs are kept in a folder, so that the
program goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from ganzoo_digits.extractors import LeNetMnist
from ganzoo_studies.page import write_page
from ganzoo_studies.plan import points_of, read_study
from ganzoo_studies.results import results_of
from ganzoo_studies.running import Outcome, refuse_other_runs, train
from matplotlib.figure import Figure
from scipy import stats

import ganzoo
from ganzoo import Run
from ganzoo.runs.history import History
from ganzoo.utils.images import save_figure, to_uint8
from ganzoo.visual.curves import plain_panel

CLAIMS = Path(__file__).with_name("claims")
MEASURED = [path.stem for path in sorted(CLAIMS.glob("*.json")) if path.stem != "base"]
OBSERVED = ["loss-curves", "latent-coordinates"]
FD = "fd@lenet-mnist"
SHIFTS = (0.3, 1.0, 3.0, 10.0, 30.0, 810.0, 114514.0)
"""Values that the fully connected report GAN's authors put into single coordinates."""

VERDICTS: dict[str, str] = {
    "activations": (
        "It holds in the main. Leaky ReLU in the discriminator is the safe choice: with ReLU there, one"
        " seed of three never learned, since its discriminator won outright. ELU and softplus, smoother"
        " as they are, are clearly worse. Whether the generator has ReLU or leaky ReLU makes no"
        " difference."
    ),
    "strided": (
        "It does not hold here. Averaging over 2x2 pixels in the discriminator, and resizing in the"
        " generator, each bring samples closer to the data and raise recall; both together most."
        " Their steps cost more: a convolution of stride 1 has four times the work of one of stride 2."
    ),
    "batch-norm": (
        "It holds. Without batch norm, weights that are drawn too small leave the generator with"
        " next to no variety (recall near 0); with it, they cost nothing. Batch norm helps well-drawn"
        " weights as well, by about half of the Fréchet distance."
    ),
    "edges": (
        "Half of it holds. A linear output is clearly worse, but one that is cut off at -1 and 1 is as"
        " good as tanh. Batch norm at the discriminator's input is no clear harm in so short a run."
    ),
    "discriminator-wins": (
        "It does not hold here. Nobody wins in these runs, so that there is nothing to prevent: dropout"
        " is clearly worse, and a fifth of the learning rate makes no clear difference."
    ),
    "loss-curves": (
        "It holds for the generator's loss, which is hardly related to the quality of samples. That of"
        " the discriminator does say something, the other way round: within a run it rises while the"
        " samples become better."
    ),
    "latent-coordinates": (
        "It holds, but for the tiny changes. The strongest coordinate changes the class more than twice"
        " as often as the weakest. Even 0.3 makes another digit of one image in six, since many samples"
        " of this short run lie between two digits. Beyond 30 nothing more happens: tanh saturates."
    ),
    "minimax": (
        "It holds, by a little: the minimax loss starts more slowly and is still behind at the end."
    ),
}
"""What a reader should take from each study, written by hand from its numbers."""


def measure(name: str, folder: Path, jobs: int) -> None:
    """Train one study, and write its page."""
    path = CLAIMS / f"{name}.json"
    study = read_study(path)
    points, runs = points_of(study), folder / name
    runs.mkdir(parents=True, exist_ok=True)
    refuse_other_runs(points, runs)
    finished: set[str] = set()

    def heard(outcome: Outcome) -> None:
        click.echo(f"{outcome.name} {outcome.end} {outcome.reason}")
        if outcome.end == "finished":
            finished.add(outcome.name)

    left = [point for point in points if not _is_finished(runs / point.name)]
    finished.update(point.name for point in points if point not in left)
    train(left, runs, jobs=jobs, heard=heard)
    how = (
        "Each is a small DCGAN on 4,000 digits (`claims/base.json`), trained for 900 steps. Run it"
        f" with `uv run ganzoo study docs/studies/claims/{name}.json`."
    )
    remarks = [f"**Measured.** {VERDICTS[name]}" if name in VERDICTS else "", how]
    results = results_of(study, points, runs, finished)
    write_page(results, path.with_suffix(".md"), plot_name=f"{name}.png", remarks=remarks)


def _is_finished(run: Path) -> bool:
    """Return whether a run has its last grid, which is drawn at the end."""
    return (run / "samples" / "step-00000900.png").exists() and (run / "losses.png").exists()


def runs_of(folder: Path, names: list[str]) -> list[Run]:
    """Return the finished runs of some studies."""
    paths = [path for name in names for path in sorted((folder / name).iterdir())]
    return [ganzoo.open_run(path) for path in paths if (path / "generator.safetensors").exists()]


def loss_curves(folder: Path) -> None:
    """Compare losses with the quality of samples, in all runs of the other studies."""
    rows: list[tuple[str, float, float, float]] = []
    for run in runs_of(folder, MEASURED):
        metrics = run.metrics()
        for point in History(run.directory).points:
            window = [row for row in metrics if point.step - 150 < row["step"] <= point.step]
            fd = point.report.value(FD).mean
            if window and fd is not None:
                generator = float(np.mean([row["loss/generator"] for row in window]))
                discriminator = float(np.mean([row["loss/discriminator"] for row in window]))
                rows.append((str(run.path), generator, discriminator, fd))
    fds = np.array([row[3] for row in rows])
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    found = []
    for panel, column, title in zip(
        figure.subplots(1, 2, sharey=True), (1, 2), ("generator", "discriminator"), strict=True
    ):
        losses = np.array([row[column] for row in rows])
        rho = float(stats.spearmanr(losses, fds).statistic)
        inside = _within_runs(rows, column)
        found.append((title, rho, inside))
        panel.scatter(losses, fds, s=8, alpha=0.6)
        panel.set(xlabel=f"loss of the {title}", yscale="log", xscale="log")
        plain_panel(panel)
        if column == 1:
            panel.set_ylabel(FD)
    save_figure(figure, CLAIMS / "loss-curves.png", dpi=110)
    table = [f"| {title} | {rho:+.2f} | {inside:+.2f} |" for title, rho, inside in found]
    text = f"""# loss-curves

**Claim.** GAN loss curves say little about the quality of samples.

{_measured("loss-curves")}Each dot is an evaluation of one of the {len({row[0] for row in rows})} runs of
the other studies: the mean loss over the 150 steps before it, and its Fréchet distance.
`uv run python docs/studies/claims.py loss-curves` draws it anew.

![losses against the Fréchet distance](loss-curves.png)

| loss of the | rank correlation with {FD} | the same within a run, median |
|---|---|---|
{chr(10).join(table)}

Spearman's rank correlation of {len(rows)} evaluations. A loss that told the quality would be near +1 in
both columns.
"""
    (CLAIMS / "loss-curves.md").write_text(text, encoding="utf-8")


def _within_runs(rows: list[tuple[str, float, float, float]], column: int) -> float:
    found = []
    for run in dict.fromkeys(row[0] for row in rows):
        mine: list[Any] = [row for row in rows if row[0] == run]
        if len(mine) > 2:
            pairs = ([row[column] for row in mine], [row[3] for row in mine])
            found.append(float(stats.spearmanr(*pairs).statistic))
    return float(np.nanmedian(found))


def latent_coordinates(folder: Path) -> None:
    """Change one coordinate at a time, and see how much of the image and whether its class changes."""
    run = runs_of(folder, ["minimax"])[0]
    classifier = LeNetMnist().build((1, 28, 28))
    latents = run.latents(64, seed=1)

    def seen(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images = run.sample(latents=z)
        pixels = torch.from_numpy(to_uint8(images))
        _, logits = classifier(pixels)
        return images, logits.argmax(1)

    images, classes = seen(latents)
    effects = np.zeros((latents.shape[1], len(SHIFTS)))
    changes = np.zeros_like(effects)
    for coordinate in range(latents.shape[1]):
        for place, value in enumerate(SHIFTS):
            moved = latents.clone()
            moved[:, coordinate] = value
            others, now = seen(moved)
            effects[coordinate, place] = (others - images).abs().mean()
            changes[coordinate, place] = (now != classes).double().mean()
    order = np.argsort(-changes[:, 2])
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.bar(range(len(order)), 100 * changes[order, 2], width=0.9)
    left.set(xlabel="coordinate, ordered", ylabel="class changes at 3, % of images")
    right.plot(SHIFTS, 100 * np.median(changes, 0), "o-", label="class changes, %")
    right.plot(SHIFTS, 100 * np.median(effects, 0) / 2, "o-", label="pixels change, % of the range")
    right.set(xscale="log", xlabel="value of one coordinate (median over them)")
    right.legend(frameon=False, fontsize="small")
    for panel in (left, right):
        plain_panel(panel)
    save_figure(figure, CLAIMS / "latent-coordinates.png", dpi=110)
    rows = [
        f"| {value:g} | {np.median(changed):.0%} | {changed.max():.0%} | {changed.min():.0%}"
        f" | {np.median(effect) / 2:.1%} of the range |"
        for value, changed, effect in zip(SHIFTS, changes.T, effects.T, strict=True)
    ]
    text = f"""# latent-coordinates

**Claim.** The generator depends on the coordinates of the latent unevenly: some positions change the
class, tiny changes cannot be seen, and large ones turn one thing into another.

{_measured("latent-coordinates")}One coordinate at a time of 64 latents is set to a value, and the images
are compared with those before: does the classifier of `lenet-mnist` read another digit, and how much of
the pixels' range changes? The generator is the first run of the study `minimax`.
`uv run python docs/studies/claims.py latent-coordinates` measures it anew.

![class changes by coordinate and by value](latent-coordinates.png)

| one coordinate set to | class changes, median | most | least | mean change of pixels |
|---|---|---|---|---|
{chr(10).join(rows)}
"""
    (CLAIMS / "latent-coordinates.md").write_text(text, encoding="utf-8")


def _measured(name: str) -> str:
    return f"**Measured.** {VERDICTS[name]}\n\n" if name in VERDICTS else ""


def main() -> None:
    """Run the studies that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*MEASURED, *OBSERVED], help="which studies")
    parser.add_argument("--folder", type=Path, default=Path("studies/claims"), help="for the runs")
    parser.add_argument("--jobs", type=int, default=1, help="runs that train at a time")
    given = parser.parse_args()
    for name in given.names:
        if name == "loss-curves":
            loss_curves(given.folder)
        elif name == "latent-coordinates":
            latent_coordinates(given.folder)
        else:
            measure(name, given.folder, given.jobs)


if __name__ == "__main__":
    main()
