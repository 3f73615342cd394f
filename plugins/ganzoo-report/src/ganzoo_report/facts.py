"""What a page says of a run, gathered from its directory. Torch-free, but for nearest images."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.components import Condition
from ganzoo.runs import RunDirectory
from ganzoo.runs.card import UNFINISHED
from ganzoo.runs.history import EvaluationPoint, History
from ganzoo.runs.report import Value, read_report
from ganzoo.runs.verdict import verdict_of
from ganzoo_report.charts import Chart, evaluation_charts, metric_charts, number
from ganzoo_report.neighbours import Neighbours, nearest_images
from ganzoo_report.pictures import Picture, pictures_of, some_of
from ganzoo_report.settings import Setting, changed_settings

MOST_CLASSES = 40
"""Classes whose frequencies are drawn."""

MOST_ACTIONS, MOST_REPORTS = 200, 10
"""Of the first actions of callbacks, and of the newest reports, so many are listed."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: steps taken, all of its steps if they are known, and whether it ended."""

    step: int
    total: int | None = None
    finished: bool = False


@dataclass(frozen=True)
class Verdict:
    """The verdict on a run: its first sentence, the others, and what to do next."""

    lead: str
    others: list[str]
    advice: str


@dataclass(frozen=True)
class Score:
    """A row of the table of what was measured."""

    newest: Value
    best: Value | None


@dataclass(frozen=True)
class ClassShare:
    """How often a class occurs, as fractions of all."""

    name: str
    generated: float
    real: float


@dataclass(frozen=True)
class Tile:
    """A number that stands at the top of the page."""

    title: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class RunFacts:
    """Everything that a page shows of a run."""

    name: str
    description: str
    progress: Progress
    verdict: Verdict
    tiles: list[Tile]
    frames: list[Picture]
    real: Picture | None
    scores: list[Score]
    best_step: int | None
    problems: list[str]
    evaluation_charts: list[Chart]
    metric_charts: list[Chart]
    classes: list[ClassShare]
    neighbours: Neighbours | None
    no_neighbours: str
    actions: Sequence[Mapping[str, Any]]
    later: list[tuple[str, list[Value]]]
    settings: list[Setting]
    spec_json: str
    environment: list[tuple[str, str]]
    has_checkpoints: bool


def progress_of(run: RunDirectory) -> Progress:
    """Return how far a run is, from its files alone."""
    lines = run.metrics()
    step = max([0, *run.checkpoint_steps(), *(line["step"] for line in lines[-1:])])
    try:
        card = run.readme_path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        card = UNFINISHED  # it is written when a run starts, and again when it ends
    return Progress(step, finished=step > 0 and UNFINISHED not in card)


def facts_of(run: RunDirectory, progress: Progress, *, neighbours: bool) -> RunFacts:
    """Gather what a page shows of a run.

    Raises:
        ganzoo.errors.GanzooError: the spec cannot be read, or a file is damaged.
    """
    history, metrics = History(run), run.metrics()
    found, reason = _neighbours(run) if neighbours else (None, "")
    frames, real = _pictures(run)
    return RunFacts(
        name=run.path.resolve().name,
        description=run.spec.description,
        progress=progress,
        verdict=split_verdict(verdict_of(run)),
        tiles=_tiles(run, progress, history, metrics),
        frames=frames,
        real=real,
        scores=_scores(history),
        best_step=None if history.best is None else history.best.step,
        problems=[] if history.newest is None else history.newest.report.problems,
        evaluation_charts=list(evaluation_charts(history)),
        metric_charts=metric_charts(metrics),
        classes=_classes(run, history.newest),
        neighbours=found,
        no_neighbours=reason,
        actions=run.actions()[:MOST_ACTIONS],
        later=[(path.name, read_report(path).values) for path in run.reports()[-MOST_REPORTS:]],
        settings=changed_settings(run.spec),
        spec_json=json.dumps(run.spec.to_json(), indent=2, ensure_ascii=False),
        environment=_environment(run),
        has_checkpoints=bool(run.checkpoints()),
    )


def split_verdict(text: str) -> Verdict:
    """Divide a verdict into its first sentence, the others, and the advice."""
    said, _, advice = text.removesuffix(".").rpartition(". Next: ")
    lead, *others = re.split(r"\. (?=[A-Z])", said)
    return Verdict(lead, others, advice)


def _neighbours(run: RunDirectory) -> tuple[Neighbours | None, str]:
    """Return nearest training images, or why there are none."""
    try:
        return nearest_images(run), ""
    except Exception as error:  # whatever a plugin's data set or network may raise
        return None, str(error) or type(error).__name__


def _pictures(run: RunDirectory) -> tuple[list[Picture], Picture | None]:
    """Return grids of generated samples, oldest first, and the grid of real ones."""
    paths = some_of(run.sample_grids())
    steps = [int(path.stem.rpartition("-")[2]) for path in paths]
    wanted = [
        (path, f"Generated samples after {step:,} steps", step)
        for path, step in zip(paths, steps, strict=True)
    ]
    everything = [*wanted, (run.samples_directory / "real.png", "Real samples", None)]
    pictures = pictures_of(everything)
    frames = [each for each in pictures if each.step is not None]
    return frames, next((each for each in pictures if each.step is None), None)


def _scores(history: History) -> list[Score]:
    newest, best = history.newest, history.best
    if newest is None:
        return []
    at_best = {} if best is None else {each.name: each for each in best.report.values}
    return [Score(each, at_best.get(each.name)) for each in newest.report.values]


def _tiles(
    run: RunDirectory, progress: Progress, history: History, metrics: Sequence[Mapping[str, Any]]
) -> list[Tile]:
    tiles = []
    best = history.best
    deciding = None if best is None else history.deciding_value(best)
    if best is not None and deciding is not None:
        real = deciding.baseline_value
        remark = f"at step {best.step:,}" + ("" if real is None else f"; real data {number(real)}")
        tiles.append(Tile(f"Best {deciding.name}", number(deciding.mean), remark))
    remark = f"of {progress.total:,}" if progress.total and not progress.finished else ""
    epoch = metrics[-1].get("epoch") if metrics else None
    if not remark and epoch:
        remark = f"{number(epoch)} passes over the data"
    tiles.append(Tile("Steps", f"{progress.step:,}", remark))
    seconds = sum(line.get("seconds", 0) for line in metrics)
    measuring = sum(point.report.seconds for point in history.points)
    if seconds > 0:
        remark = f"and {duration(measuring)} of evaluation" if measuring else ""
        tiles.append(Tile("Time of training", duration(seconds), remark))
    speeds = [each for line in metrics if (each := line.get("images_per_second", 0)) > 0]
    if speeds and seconds > 0:
        shown = sum(line.get("images_per_second", 0) * line.get("seconds", 0) for line in metrics)
        device = str(run.environment().get("device", "a device that is not known"))
        tiles.append(Tile("Images per second", number(shown / seconds), f"on {device}"))
    warned = sum(action["action"] == "warn" for action in run.actions())
    if run.spec.watchdog is not None:
        tiles.append(Tile("Watchdog findings", str(warned)))
    return tiles


def duration(seconds: float) -> str:
    """Write a time in the two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _classes(run: RunDirectory, newest: EvaluationPoint | None) -> list[ClassShare]:
    """Return how often each class was predicted for generated and real samples, if it was counted."""
    for value in newest.report.values if newest is not None else ():
        counts = [value.details.get(which) for which in ("generated", "reference")]
        if value.metric != "class_balance" or not all(map(_are_counts, counts)):
            continue
        generated, real = counts
        assert generated is not None
        assert real is not None
        names = _class_names(run, len(generated))
        shares = (
            ClassShare(name, one / max(1, sum(generated)), other / max(1, sum(real)))
            for name, one, other in zip(names, generated, real, strict=False)
        )
        return list(shares)[:MOST_CLASSES]
    return []


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int | float) for each in value)


def _class_names(run: RunDirectory, count: int) -> Sequence[str]:
    """Return the names of the classes, as many as a classifier knows; else their numbers."""
    data = run.environment().get("data")
    names = data.get("classes") if isinstance(data, dict) else None
    if isinstance(names, list) and len(names) == count:
        return [str(each) for each in names]
    return Condition("classes", count).display_names


def _environment(run: RunDirectory) -> list[tuple[str, str]]:
    """Return what the run was made with, as titles and words; a stranger may have written anything."""
    environment = run.environment()
    providers = sorted({str(each) for each in run.providers().values()})
    versions, command = environment.get("versions"), environment.get("command")
    data, origin = environment.get("data"), run.origin()
    rows: list[tuple[str, Any]] = [
        ("Device", environment.get("device")),
        ("Machine", environment.get("platform")),
        ("Processors", environment.get("processors")),
        ("Python", environment.get("python")),
        ("Plugins", ", ".join(providers)),
        ("Git commit", environment.get("git_commit")),
    ]
    if isinstance(versions, dict):
        rows.insert(4, ("Packages", ", ".join(f"{name} {each}" for name, each in versions.items())))
    if isinstance(command, list):
        rows.append(("Command", shlex.join(map(str, command))))
    if isinstance(data, dict):
        shape = data.get("shape")
        words = f"{data.get('samples')} samples of shape {shape}"
        rows.insert(0, ("Trained on", words))
    if licence := run.spec.dataset.licence():
        rows.insert(1, ("Licence of the data", licence))
    if origin:
        rows.append(("Weights from", f"{origin['run']}, step {origin['step']:,}"))
    if isinstance(sessions := environment.get("sessions"), list):
        resumed = [
            str(each["step"]) for each in sessions if isinstance(each, dict) and "step" in each
        ]
        rows.append(("Resumed at step", ", ".join(resumed)))
    return [(title, str(value)) for title, value in rows if value is not None and value != ""]
