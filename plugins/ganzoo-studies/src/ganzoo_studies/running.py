"""Training the runs of a study: one after the other, or several processes at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import joblib

from ganzoo import resume, run
from ganzoo.errors import Interrupted, RunError, TrainingError, in_a_line
from ganzoo.runs import RunDirectory
from ganzoo_studies.plan import Point


@dataclass(frozen=True)
class Outcome:
    """How a run of a study ended; ``reason`` says why it did not end as it should."""

    name: str
    end: Literal["finished", "diverged", "failed", "stopped"]
    reason: str = ""


def refuse_other_runs(points: Sequence[Point], folder: Path) -> None:
    """Raise ``RunError`` where a directory holds a run of another spec than the study states."""
    for point in points:
        path = folder / point.name
        if not RunDirectory.has_spec(path / "spec.json"):
            continue
        kept, stated = RunDirectory.open(path).spec, point.spec
        if kept != stated.model_copy(update={"plugins": kept.plugins}):
            raise RunError(
                f"{path}: holds a run of another spec than the study states; give the study another"
                " folder with -o, or move this one away"
            )


def train(
    points: Sequence[Point],
    folder: Path,
    *,
    jobs: int = 1,
    heard: Callable[[Outcome], None] = lambda _: None,
) -> None:
    """Train runs in a folder, and resume those that were begun.

    A run that fails or diverges does not keep the others from being trained. Where a process is killed,
    its run is resumed when the study is trained again.

    Args:
        points: the runs.
        folder: where their directories are, by their names.
        jobs: how many processes train at a time; each has its share of the processor's cores.
        heard: is told how each run ended.
    """
    for outcome in _trained(points, folder, jobs):
        heard(outcome)
        if outcome.end == "stopped" and jobs == 1:
            break


def _trained(points: Sequence[Point], folder: Path, jobs: int) -> Iterator[Outcome]:
    work = [(folder / point.name, point.spec.to_json()) for point in points]
    if jobs == 1:
        yield from (_train(*each) for each in work)
        return
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    done = set()
    try:
        for outcome in parallel(joblib.delayed(_train)(*each) for each in work):
            done.add(outcome.name)
            yield outcome
    except Exception as error:  # a process was killed: joblib gives up the others with it
        for point in points:
            if point.name not in done:
                yield Outcome(point.name, "stopped", in_a_line(error))


def _train(path: Path, spec: Mapping[str, Any]) -> Outcome:
    """Train one run; its spec is plain data, so that other processes load the plugins it names."""
    try:
        if path.exists():
            resume(path)
        else:
            run(spec, output=path)
    except Interrupted as stop:
        return Outcome(path.name, "stopped", str(stop))
    except TrainingError as error:
        return Outcome(path.name, "diverged", str(error))
    except Exception as error:  # whatever it is, it must not end the study
        return Outcome(path.name, "failed", in_a_line(error))
    return Outcome(path.name, "finished")
