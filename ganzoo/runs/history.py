"""The evaluations during a run's training: the best one, and whether patience is over. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.components.evaluation import matches_quantity
from ganzoo.errors import RunError
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.report import Report, Value, read_report


@dataclass(frozen=True)
class EvaluationPoint:
    """An evaluation of the generator after a step of its training."""

    step: int
    report: Report


class History:
    """The evaluations during a run's training: ``points``, oldest first."""

    def __init__(self, run: RunDirectory) -> None:
        section = run.spec.evaluation
        self._best = None if section is None else section.best
        self._patience = None if section is None else section.patience
        self.points: list[EvaluationPoint] = []
        for step, path in run.training_reports().items():
            report = read_report(path)
            if report.subject.step != step:
                raise RunError(f"{path}: is the report of another step, {report.subject.step}")
            self.add(step, report)

    def add(self, step: int, report: Report) -> None:
        """Add a new evaluation."""
        self.points.append(EvaluationPoint(step, report))

    @property
    def best(self) -> EvaluationPoint | None:
        """The evaluation with the best value of the deciding quantity; the first of equal ones."""
        ranked = [
            (value.mean if value.better == "lower" else -value.mean, point)
            for point in self.points
            if (value := self.deciding_value(point)) is not None and value.mean is not None
        ]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

    @property
    def newest(self) -> EvaluationPoint | None:
        """The last evaluation."""
        return self.points[-1] if self.points else None

    @property
    def patience_is_over(self) -> bool:
        """Whether the last evaluations, as many as the spec's patience, gave no new best."""
        best = self.best
        if self._patience is None or best is None:
            return False
        return len(self.points) - 1 - self.points.index(best) >= self._patience

    def deciding_value(self, point: EvaluationPoint) -> Value | None:
        """Return the value by which evaluations are ranked, or None if there is none."""
        for value in point.report.values:
            if value.better is not None and (
                self._best is None or matches_quantity(self._best, value.name)
            ):
                return value
        return None


def checkpoint_step(run: RunDirectory, checkpoint: str | int) -> int | None:
    """Return the step of a checkpoint (``last``, ``best`` or a step); None is the last one saved.

    Raises:
        RunError: the run was not evaluated during training, so that none is best, or this is not a step.
    """
    if checkpoint == "last":
        return None
    if checkpoint == "best":
        best = History(run).best
        if best is None:
            raise RunError(
                f"{run.path}: has no best checkpoint, since it was not evaluated while it was trained"
                " (add 'evaluation' to its spec); use last or a step"
            )
        return best.step
    try:
        return int(checkpoint)
    except (ValueError, TypeError):
        raise RunError(f"checkpoint: expected last, best or a step, not {checkpoint!r}") from None
