"""The training loop, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ganzoo.components import DatasetInfo
from ganzoo.errors import Interrupted, Problem, RunError, SpecError
from ganzoo.plugins import Plugins
from ganzoo.runs.checkpoints import Checkpoint, newest_checkpoint, prune
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.generator import to_file
from ganzoo.runs.history import History
from ganzoo.spec import RunSpec
from ganzoo.training.grids import save_real_grid, save_sample_grid
from ganzoo.training.setup import Prepared, prepare
from ganzoo.training.signals import StopRequest
from ganzoo.training.transfer import Parent, branch, initialize
from ganzoo.utils.devices import numerics, resolve_device
from ganzoo.utils.files import write_atomically


def train(
    spec: RunSpec,
    info: DatasetInfo,
    plugins: Plugins,
    open_directory: Callable[[], RunDirectory],
    *,
    resume: bool = False,
    parent: Parent | None = None,
) -> RunDirectory:
    """Train a run to its end: from the beginning, from its newest checkpoint or from another run's.

    Args:
        spec: the run.
        info: the description of the data set.
        plugins: told of the events of the run.
        open_directory: gives the run directory; called once everything has been built, so that a
            run that cannot begin leaves nothing behind.
        resume: whether the run was begun before.
        parent: a checkpoint of another run to branch from, or None.

    Returns:
        The run directory.

    Raises:
        ganzoo.errors.Interrupted: a signal stopped the run; it was saved.
        ganzoo.errors.TrainingError: a loss is no longer finite.
        ganzoo.errors.UsageError: the device, the data or the checkpoint are not as needed.
    """
    device = resolve_device(spec.device)
    with numerics(device, deterministic=spec.training.deterministic):
        prepared = prepare(spec, info, device)
        transfer = None
        if parent is not None:
            transfer = branch(prepared.state, parent)
            _refuse_to_end_before_it_begins(prepared)
        elif spec.initialize_from is not None and not resume:
            transfer = initialize(prepared.state, spec.initialize_from)
        run = open_directory()
        with run.locked():
            trainer = Trainer(run, prepared, plugins)
            # Looked for under the lock: another process may just have trained on.
            checkpoint = newest_checkpoint(run) if resume else None
            try:
                if checkpoint is not None:
                    trainer.resume(checkpoint)
                else:
                    if resume and run.origin().get("kind") == "branch":
                        raise RunError(
                            f"{run.path}: has no checkpoint that can be read; branch again from"
                            f" {run.origin()['run']}"
                        )
                    if resume and spec.initialize_from is not None:
                        transfer = initialize(prepared.state, spec.initialize_from)
                    trainer.begin(str(device), {} if transfer is None else transfer.to_json())
                trainer.train()
            finally:
                prepared.state.batches.close()
    return run


def _refuse_to_end_before_it_begins(prepared: Prepared) -> None:
    begun, total = prepared.state.step, prepared.plan.total
    if total <= begun:
        problem = f"the branch begins at step {begun} and would end at step {total}; make it longer"
        raise SpecError([Problem("training.duration", problem)])


class Trainer:
    """Takes step after step, and writes what the spec asks for."""

    def __init__(self, run: RunDirectory, prepared: Prepared, plugins: Plugins) -> None:
        self.run, self.prepared, self.plugins = run, prepared, plugins
        self.state, self.spec = prepared.state, prepared.state.spec
        self.state.callbacks.record_to(self.record_action)
        self.history = History(run)
        self._logged_at, self._clock = 0, 0.0

    @property
    def total(self) -> int:
        """Steps of the whole training: fewer than planned where a callback or patience ended it."""
        over = self.history.patience_is_over or self.state.callbacks.stopped is not None
        return self.state.step if over else self.prepared.plan.total

    def begin(self, device: str, origin: dict[str, object]) -> None:
        """Start a run.

        Args:
            device: where it is trained.
            origin: the run that its weights come from and what was taken, or nothing.
        """
        self.run.forget_after(-1)
        self.run.write_environment(device, origin)
        if self.state.step:
            self.save_checkpoint()  # of a branch: from here on it does not need its parent
        save_real_grid(self.spec, self.prepared.split, self.run.samples_directory / "real.png")
        self.save_samples()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint; what was written after it is written again."""
        self.state.restore(checkpoint)
        self.run.forget_after(self.state.step)
        self.history = History(self.run)

    def train(self) -> None:
        """Take steps until the duration is over or a signal asks to stop."""
        state, plan, callbacks = self.state, self.prepared.plan, self.state.callbacks
        step_game, next_batch = state.game.step, state.batches.next
        self.announce("ganzoo_run_started", total_steps=self.total)
        self._logged_at, self._clock = state.step, time.perf_counter()

        with self.announcing_the_end(), StopRequest() as stop:
            total = self.total
            while state.step < total:
                # Take one step of every network. Nothing here waits for a number.
                progress = state.step / plan.total
                numbers = step_game(next_batch, state.step, progress)
                state.step += 1
                if state.average is not None:
                    state.average.update(state.step, progress)
                state.meters.add(numbers)

                # Do what is due after this step; patience or a callback may end the run.
                callbacks.on_step(state.step, numbers)
                total = total if callbacks.stopped is None else state.step
                last = state.step == total
                found_best = False
                if plan.evaluation and (state.step % plan.evaluation == 0 or last):
                    found_best = self.evaluate()
                    total = self.total
                save_due = state.step % plan.checkpoint == 0 or last
                if save_due:
                    callbacks.on_save(state.step)
                    total = self.total
                last = state.step == total
                if state.step % plan.log == 0 or last:
                    self.log()
                    total = self.total
                    last = state.step == total
                if state.step % plan.samples == 0 or last:
                    self.save_samples()
                stopped_by = stop.signal_number
                if (
                    save_due
                    or last
                    or found_best
                    or callbacks.save_requested
                    or stopped_by is not None
                ):
                    self.save_checkpoint()
                if stopped_by is not None and not last:
                    raise Interrupted(stopped_by, state.step)

    @contextmanager
    def announcing_the_end(self) -> Iterator[None]:
        """Tell plugins that training is over, however it ends."""
        try:
            yield
        finally:
            completed = self.state.step == self.total
            self.announce("ganzoo_run_finished", total_steps=self.total, completed=completed)

    def evaluate(self) -> bool:
        """Evaluate the samples, and return whether they are the best so far.

        The report is written before the checkpoint of the same step: a run that is resumed from that
        checkpoint has the report, too.

        Raises:
            ganzoo.errors.TrainingError: a number is not finite.
        """
        evaluator, step = self.prepared.evaluator, self.state.step
        assert evaluator is not None  # the plan has evaluations only if there is one
        self.state.meters.means(step)
        report = evaluator.evaluate(self.prepared.sampler, self.run.path.name, step)
        path = self.run.training_report_path(step)
        report.write(path)
        self.history.add(step, report)
        values = {each.name: each.mean for each in report.values if each.mean is not None}
        self.announce("ganzoo_evaluated", values=values, seconds=report.seconds, path=path)
        self.state.callbacks.on_evaluation(step, values)
        self._clock += report.seconds  # the speed that is logged is that of training
        best = self.history.best
        return best is not None and best.step == step

    def log(self) -> None:
        """Write the means of the game's numbers as a line of metrics."""
        state, now = self.state, time.perf_counter()
        means = state.meters.means(state.step)
        state.meters.reset()
        seconds = now - self._clock
        taken = state.step - self._logged_at
        metrics = {
            "epoch": round(state.step / self.prepared.plan.epoch, 4),
            **self.state.callbacks.logged,
            **means,
            "seconds": round(seconds, 3),
            "images_per_second": round(taken * self.prepared.plan.images / seconds, 1),
        }
        self.run.append_metrics({"step": state.step, **metrics})
        self.state.callbacks.logged = {}
        self.announce("ganzoo_step_finished", total_steps=self.total, metrics=metrics)
        self.state.callbacks.on_log(state.step, metrics)
        self._clock, self._logged_at = now, state.step

    def record_action(self, action: dict[str, object]) -> None:
        """Write what a callback did as a line of metrics."""
        self.run.append_metrics(action)
        self.announce("ganzoo_callback_acted", action=action)

    def save_samples(self) -> None:
        """Draw the grid of samples."""
        prepared = self.prepared
        path = self.run.sample_grid_path(self.state.step)
        save_sample_grid(prepared.sampler, self.spec, prepared.info, prepared.split, path)
        self.announce("ganzoo_samples_saved", path=path)

    def save_checkpoint(self) -> None:
        """Write the generator to sample from, and the state to resume from.

        The checkpoint comes last: whatever it is resumed from, the generator is no older.

        Raises:
            ganzoo.errors.TrainingError: a number is not finite; the files before are kept.
        """
        self.state.meters.means(self.state.step)
        self.state.callbacks.save_requested = False
        prepared = self.prepared
        generator = to_file(prepared.sampler, self.spec, prepared.info, self.state.step)
        write_atomically(self.run.generator_path, generator, durable=False)
        path = self.state.checkpoint().save(self.run)
        best = self.history.best
        prune(self.run, self.spec.output.keep_checkpoints, None if best is None else best.step)
        self.announce("ganzoo_checkpoint_saved", path=path)

    def announce(self, event: str, **arguments: object) -> None:
        """Tell plugins of an event."""
        self.plugins.announce(event, run=self.run, step=self.state.step, **arguments)
