"""A listener that keeps the model card and the plots of a run up to date."""

from __future__ import annotations

from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.runs.card import UNFINISHED, card
from ganzoo.runs.history import History
from ganzoo.utils.files import write_atomically


class CardWriter:
    """Writes the card when a run starts, and again with the plots when it ends or is stopped.

    A run that takes no step, because it was already complete, is left as it is, if its card says so.
    """

    def __init__(self) -> None:
        self._start = 0

    @hookimpl
    def ganzoo_run_started(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Write a card that says how to resume the run."""
        self._start = step
        if step < total_steps:
            write_atomically(run.readme_path, card(run, step, total_steps))

    @hookimpl
    def ganzoo_run_finished(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Plot the losses and evaluations and write the final card."""
        from ganzoo.utils.images import save_figure
        from ganzoo.visual.curves import evaluations_figure, losses_title, save_losses

        if step == self._start and _is_final(run):
            return
        metrics = run.metrics()
        if any(name.startswith("loss/") for line in metrics for name in line):
            save_losses(metrics, run.losses_path, title=losses_title(run))
        if run.training_reports():
            save_figure(evaluations_figure(History(run)), run.evaluation_plot_path, dpi=120)
        write_atomically(run.readme_path, card(run, step, total_steps))


def _is_final(run: RunDirectory) -> bool:
    """Return whether a run has a card that does not tell how to resume it."""
    try:
        return UNFINISHED not in run.readme_path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
