"""The evaluations of a run's training: which was best, and whether patience is over. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.errors import RunError
from ganzoo.runs import RunDirectory
from ganzoo.runs.report import Report, Value, read_report
from ganzoo.spec.sections import stands_for


@dataclass(frozen=True)
class Moment:
    """An evaluation during training.

    Attributes:
        step: steps taken by then.
        report: what came out.
    """

    step: int
    report: Report


class History:
    """The evaluations of a run's training, oldest first.

    Attributes:
        moments: the evaluations.
    """

    def __init__(self, run: RunDirectory) -> None:
        section = run.spec.evaluation
        self._best = None if section is None else section.best
        self._patience = None if section is None else section.patience
        self.moments = [
            Moment(step, read_report(path)) for step, path in run.training_reports().items()
        ]

    def add(self, step: int, report: Report) -> None:
        """Take in a new evaluation."""
        self.moments.append(Moment(step, report))

    @property
    def best(self) -> Moment | None:
        """The evaluation with the best value of the quantity that decides; the first of equal ones."""
        ranked = [
            (value.mean if value.better == "lower" else -value.mean, moment)
            for moment in self.moments
            if (value := self.deciding_value(moment)) is not None and value.mean is not None
        ]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

    @property
    def newest(self) -> Moment | None:
        """The last evaluation."""
        return self.moments[-1] if self.moments else None

    @property
    def patience_is_over(self) -> bool:
        """Whether the last evaluations, as many as the spec has patience for, brought no new best."""
        if self._patience is None:
            return False
        best = self.best
        if best is None:
            return False
        return len(self.moments) - 1 - self.moments.index(best) >= self._patience

    def deciding_value(self, moment: Moment) -> Value | None:
        """Return the value by which evaluations are ranked, or None where there is none."""
        for value in moment.report.values:
            if value.better is not None and (
                self._best is None or stands_for(self._best, value.name)
            ):
                return value
        return None


def checkpoint_step(run: RunDirectory, checkpoint: str | int) -> int | None:
    """Return the step of a checkpoint by what a person calls it.

    Args:
        run: the run.
        checkpoint: ``last``, ``best`` or a step.

    Returns:
        The step, or None for the last one saved.

    Raises:
        RunError: the run was not evaluated during training, so that none is best, or it is no step.
    """
    if checkpoint == "last":
        return None
    if checkpoint == "best":
        best = History(run).best
        if best is None:
            raise RunError(
                f"{run.path}: no checkpoint is known to be best, since the run was not evaluated while"
                " it was trained (add 'evaluation' to its spec); use last or a step"
            )
        return best.step
    try:
        return int(checkpoint)
    except ValueError:
        raise RunError(f"checkpoint: expected last, best or a step, not {checkpoint!r}") from None
