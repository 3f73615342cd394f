"""The training loop, top to bottom."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from ganzoo.components import DatasetInfo
from ganzoo.data.batches import Batch
from ganzoo.errors import GanzooWarning, Interrupted, Problem, RunError, SpecError
from ganzoo.plugins import Plugins
from ganzoo.runs.checkpoints import Checkpoint, newest_checkpoint, prune
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.generator import saved_step, to_file
from ganzoo.runs.history import History
from ganzoo.spec import RunSpec
from ganzoo.training.grids import save_real_grid, save_sample_grid
from ganzoo.training.optimizers import Numbers
from ganzoo.training.setup import Plan, Prepared, prepare
from ganzoo.training.signals import StopRequest
from ganzoo.training.threads import choose_threads, kept_threads, using_threads
from ganzoo.training.transfer import Parent, branch, initialize
from ganzoo.utils.devices import numerics, resolve_device
from ganzoo.utils.distributed import refuse_several_processes
from ganzoo.utils.files import write_atomically


def train(
    spec: RunSpec,
    info: DatasetInfo,
    plugins: Plugins,
    open_directory: Callable[[], RunDirectory],
    *,
    resume: bool = False,
    before: RunSpec | None = None,
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
        before: the spec of a run that is resumed, where it is to be longer now, or its data have moved.
        parent: a checkpoint of another run to branch from, or None.

    Returns:
        The run directory.

    Raises:
        ganzoo.errors.Interrupted: a signal stopped the run; it was saved.
        ganzoo.errors.TrainingError: a loss is no longer finite.
        ganzoo.errors.UsageError: the device, the data or the checkpoint are not as needed.
    """
    refuse_several_processes("training")
    device = resolve_device(spec.device)
    with numerics(device, deterministic=spec.training.deterministic):
        prepared = prepare(spec, info, device)
        transfer = None
        if parent is not None:
            transfer = branch(prepared.state, parent)
            _refuse_to_end_before_it_begins(prepared)
        elif spec.initialize_from is not None and not resume:
            transfer = initialize(prepared.state.game, prepared.state.average, spec.initialize_from)
        elif before is not None and before.training != spec.training:
            _refuse_another_length(prepared, before)
        run = open_directory()
        with run.locked():
            trainer = Trainer(run, prepared, plugins)
            # Looked for under the lock: another process may just have trained on.
            checkpoint = newest_checkpoint(run) if resume else None
            try:
                if checkpoint is not None:
                    trainer.resume(checkpoint, str(device), before)
                else:
                    if resume and run.origin().get("kind") == "branch":
                        raise RunError(
                            f"{run.path}: has no checkpoint that can be read; branch again from"
                            f" {run.origin()['run']}"
                        )
                    if resume and spec.initialize_from is not None:
                        transfer = initialize(
                            prepared.state.game, prepared.state.average, spec.initialize_from
                        )
                    trainer.begin(str(device), {} if transfer is None else transfer.to_json())
                trainer.train()
            finally:
                prepared.state.batches.close()
    return run


def _refuse_another_length(prepared: Prepared, before: RunSpec) -> None:
    """Refuse to resume a run with a spec by which it would not be the same one, only longer."""
    spec = prepared.state.spec
    old = Plan.of(before, prepared.state.batches.order).total
    if prepared.plan.total < old:
        problem = (
            f"the run has {old} steps, and this is {prepared.plan.total}; it can only be longer"
        )
        raise SpecError([Problem("training.duration", problem)])
    for path, part in spec.schedules().items():
        problem = (
            f"the schedule {part.type!r} depends on the duration, so this would not be the same run"
            " made longer; use 'ganzoo branch'"
        )
        raise SpecError([Problem(path, problem)])


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
        self._logged_at, self._clock = 0, 0.0
        self.offered_threads = torch.get_num_threads()

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
        if self.run.spec != self.spec:  # the data of a resumed run have moved
            self.run.write_spec(self.spec)
        info, split = self.prepared.info, self.prepared.split
        self.use_threads(choose_threads(self.state, info, self.prepared.plan.total))
        classes = list(info.classes.display_names) if info.classes else []
        data = {"samples": len(split), "shape": list(info.sample_shape), "classes": classes}
        self.run.write_environment(device, origin, data, threads=self.state.threads)
        self.history = History(self.run)
        if self.state.step:
            self.save_checkpoint()  # of a branch: from here on it does not need its parent
        save_real_grid(self.spec, self.prepared.split, self.run.samples_directory / "real.png")
        self.save_samples()

    def resume(self, checkpoint: Checkpoint, device: str, before: RunSpec | None = None) -> None:
        """Continue from a checkpoint; what was written after it is written again.

        Args:
            checkpoint: where to continue.
            device: where the run is trained.
            before: the spec so far, where the run is to be longer now, or its data have moved.

        Raises:
            RunError: the run cannot be resumed, or something else than its duration ended it.
        """
        state, run = self.state, self.run
        longer = before is not None and before.training != self.spec.training
        earlier = run.earlier_durations()
        if before is not None:
            earlier.add(str(before.training.duration))
        training = checkpoint.spec["training"]
        if training["duration"] in earlier:  # the only change of a spec that is not an edit
            training = {**training, "duration": str(self.spec.training.duration)}
            checkpoint = replace(checkpoint, spec={**checkpoint.spec, "training": training})
        state.restore(checkpoint)
        self.use_threads(kept_threads(self.spec, checkpoint.values.get("threads")))
        run.forget_after(state.step, checkpoint.values.get("log"))
        self.history = History(run)
        run.warn_of_other_plugins()
        if longer and self.total == state.step:
            raise RunError(
                f"{run.path}: it was stopped at step {state.step} before its duration was over, by a"
                " callback or by 'patience'; use 'ganzoo branch' to train on"
            )
        if state.step < self.total or not run.environment():
            run.add_session(device, state.step, threads=state.threads)
        if longer and before is not None:
            self.warn_of_the_earlier_end(before)
            run.lengthen(self.spec, state.step)
        elif run.spec != self.spec:  # the data have moved
            run.write_spec(self.spec)
        # What a kill may have left out after it saved the checkpoint, or somebody removed.
        if saved_step(run) != state.step:
            self.save_generator()
        self.prune()

    def use_threads(self, count: int) -> None:
        """Train with a number of threads, until ``numerics`` ends."""
        self.state.threads = count
        torch.set_num_threads(count)

    def warn_of_the_earlier_end(self, before: RunSpec) -> None:
        """Warn where callbacks or patience saw numbers at an end that a longer run would not have."""
        step, plan, evaluation = self.state.step, self.prepared.plan, self.spec.evaluation
        ended = step == Plan.of(before, self.state.batches.order).total
        seen = step % plan.log or step % plan.checkpoint or step % (plan.evaluation or 1)
        patient = evaluation is not None and evaluation.patience is not None
        if ended and seen and (self.spec.callbacks or patient):
            warnings.warn(
                f"{self.run.path}: callbacks and 'patience' have seen what was measured at its end, step"
                f" {step}: results may differ from those of a run that was longer from the start",
                GanzooWarning,
                stacklevel=2,
            )

    def train(self) -> None:
        """Take steps until the duration is over or a signal asks to stop."""
        state, plan, callbacks = self.state, self.prepared.plan, self.state.callbacks
        self.announce("ganzoo_run_started", total_steps=self.total)
        self._logged_at, self._clock = state.step, time.perf_counter()

        with self.announcing_the_end(), StopRequest() as stop:
            total = self.total
            while state.step < total:
                numbers = self.take_step()

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

    def take_step(self, next_batch: Callable[[], Batch] | None = None) -> Numbers:
        """Take one step of every network, and return its numbers. Nothing here waits for one.

        Args:
            next_batch: gives real samples; by default the run's batches do.
        """
        state = self.state
        progress = state.step / self.prepared.plan.total
        numbers = state.game.step(next_batch or state.batches.next, state.step, progress)
        state.step += 1
        if state.average is not None:
            state.average.update(state.step, progress)
        state.meters.add(numbers)
        return numbers

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
        with using_threads(self.offered_threads):  # extractors have larger layers
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
        self.save_generator()
        path = self.state.checkpoint(self.run.log_mark()).save(self.run)
        self.prune()
        self.announce("ganzoo_checkpoint_saved", path=path)

    def save_generator(self) -> None:
        """Write the generator to sample from."""
        prepared = self.prepared
        generator = to_file(prepared.sampler, self.spec, prepared.info, self.state.step)
        write_atomically(self.run.generator_path, generator, durable=False)

    def prune(self) -> None:
        """Delete the checkpoints that are not kept."""
        best = self.history.best
        prune(self.run, self.spec.output.keep_checkpoints, None if best is None else best.step)

    def announce(self, event: str, **arguments: object) -> None:
        """Tell plugins of an event."""
        self.plugins.announce(event, run=self.run, step=self.state.step, **arguments)
