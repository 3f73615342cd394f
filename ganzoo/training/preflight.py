"""What a run will take in time, memory and disk, from a few of its real steps."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ganzoo.components import DatasetInfo
from ganzoo.evaluation import features
from ganzoo.plugins import Plugins
from ganzoo.runs.directory import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.training.loop import Trainer
from ganzoo.training.memory import peak_memory
from ganzoo.training.setup import Plan, build_game, prepare
from ganzoo.training.step_parts import parts_of_steps
from ganzoo.training.transfer import initialize
from ganzoo.utils.devices import numerics, resolve_device, total_memory
from ganzoo.utils.progress import report, reporting_to

WARM_UP, SECONDS = 3, 5.0
"""Steps that are not timed, since the first are slower, and seconds in which the others are."""

PATIENCE = 30.0
"""Seconds after which an evaluation is broken off; the rest is estimated from its pace."""


@dataclass(frozen=True)
class Preflight:
    """What a run will take.

    Attributes:
        device: where it trains.
        threads: that a CPU computes with.
        parameters: numbers of parameters by network.
        batch_size: real samples in a step of the discriminator.
        accumulation: parts that a batch is split in.
        steps: steps of the whole training.
        step_seconds: seconds a step, on average.
        step_parts: fraction of a step that each part takes: ``data``, the networks by the name of their
            optimizer, ``optimizers`` (the updates) and ``other``.
        images_per_second: real images shown in a second of training.
        memory: peak in bytes, of the device or on a CPU of the whole process; None if unknown.
        memory_available: bytes that the device or the machine has; None if unknown.
        seconds: by what they are spent on; together the time to finish.
        times: how often each of ``evaluations``, ``checkpoints`` and ``samples`` (grids) happens.
        disk: bytes left by ``checkpoints``, by ``samples`` (grids) and by the rest.
        advice: what would make it faster, one sentence each.
    """

    device: str
    threads: int
    parameters: dict[str, int]
    batch_size: int
    accumulation: int
    steps: int
    step_seconds: float
    step_parts: dict[str, float]
    images_per_second: float
    memory: int | None
    memory_available: int | None
    seconds: dict[str, float]
    times: dict[str, int]
    disk: dict[str, int]
    advice: list[str]

    @property
    def total_seconds(self) -> float:
        """Seconds from the beginning of the run to its end."""
        return sum(self.seconds.values())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON holds them."""
        return {**asdict(self), "total_seconds": self.total_seconds}


def preflight(spec: RunSpec, info: DatasetInfo, plugins: Plugins) -> Preflight:
    """Take a few real steps of a run in a temporary directory, and do once what it does now and then.

    Args:
        spec: the run; it is neither begun nor written anywhere.
        info: the description of the data set.
        plugins: told of events as if it were a run.

    Raises:
        ganzoo.errors.UsageError: the run could not begin; or the device has too little memory.
        ganzoo.errors.TrainingError: it diverges at once.
    """
    spec = spec.with_absolute_paths()
    device = resolve_device(spec.device)
    with (
        numerics(device, deterministic=spec.training.deterministic),
        TemporaryDirectory() as folder,
    ):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        run = RunDirectory.create(spec, Path(folder) / "run")
        measured = _Measurement(spec, info, device, run, plugins)
        try:
            return measured.take()
        finally:
            measured.trainer.state.batches.close()


def check_weights(spec: RunSpec, info: DatasetInfo) -> None:
    """Check that there are the weights that a spec freezes, or takes from another run.

    Raises:
        ganzoo.errors.UsageError: there are none, or no such run.
    """
    device = torch.device("cpu")
    game = build_game(spec, info, device, torch.Generator(device))
    if spec.initialize_from is not None:
        initialize(game, None, spec.initialize_from)


GENERATED = features.EXTRACTING.format(features.GENERATED)
"""What an evaluation reports while it generates."""


class _BrokenOff(Exception):  # noqa: N818 - not an error
    """An evaluation has shown its pace."""


class _Pace:
    """Breaks an evaluation off where it takes long, and knows the seconds that each sample took."""

    def __init__(self) -> None:
        self.per_sample, self._began = 0.0, time.perf_counter()

    def __call__(self, description: str, done: int, total: int) -> None:
        """Take note of the progress."""
        elapsed = time.perf_counter() - self._began
        if description == GENERATED and done:
            self.per_sample = elapsed / done
        if elapsed > PATIENCE and done < total:
            raise _BrokenOff


class _Measurement:
    """The parts of one run, done and timed."""

    def __init__(
        self,
        spec: RunSpec,
        info: DatasetInfo,
        device: torch.device,
        run: RunDirectory,
        plugins: Plugins,
    ) -> None:
        self.spec, self.device, self.run = spec, device, run
        report("preparing the run", 0, 0)
        began = time.perf_counter()
        prepared = prepare(spec, info, device)
        if spec.initialize_from is not None:
            initialize(prepared.state.game, prepared.state.average, spec.initialize_from)
        self.trainer = Trainer(run, prepared, plugins)
        self.trainer.begin(str(device), {})
        self.trainer.announce("ganzoo_run_started", total_steps=self.trainer.total)
        self.preparation = time.perf_counter() - began

    def take(self) -> Preflight:
        """Measure everything."""
        trainer, spec = self.trainer, self.spec
        plan, state = trainer.prepared.plan, trainer.state
        first, step = self._steps(plan.total)
        parts = parts_of_steps(trainer, self._now)
        logging = self._timed(trainer.log)
        grid = self._timed(trainer.save_samples)
        once, each = self._evaluation() if plan.evaluation else (0.0, 0.0)
        checkpoint = self._timed(trainer.save_checkpoint)
        finish = {"total_steps": trainer.total, "completed": False}
        ending = self._timed(lambda: trainer.announce("ganzoo_run_finished", **finish))
        times = _times(plan)
        kept = min(spec.output.keep_checkpoints, times["checkpoints"]) + bool(plan.evaluation)
        disk = {
            "checkpoints": kept * _bytes_in(self.run.checkpoints_directory),
            "samples": (times["samples"] + 1) * self.run.sample_grids()[-1].stat().st_size,
            "other": _bytes_in(self.run.path),
        }
        memory, available = peak_memory(self.device), total_memory(self.device)
        seconds = {
            "preparation": self.preparation + max(0.0, first - step) + ending,
            "training": plan.total * step + -(-plan.total // plan.log) * logging,
            "evaluations": once + times["evaluations"] * each,
            "checkpoints": times["checkpoints"] * checkpoint,
            "samples": times["samples"] * grid,
        }
        parameters = {
            name: sum(each.numel() for each in network.parameters())
            for name, network in state.game.networks.items()
        }
        return Preflight(
            device=str(self.device),
            threads=torch.get_num_threads(),
            parameters={name: count for name, count in parameters.items() if count},
            batch_size=spec.training.batch_size,
            accumulation=spec.training.accumulation,
            steps=plan.total,
            step_seconds=step,
            step_parts=parts,
            images_per_second=plan.images / step,
            memory=memory,
            memory_available=available,
            seconds=seconds,
            times=times,
            disk=disk,
            advice=_advice(spec, self.device, trainer.offered_threads, seconds, memory, available),
        )

    def _steps(self, total: int) -> tuple[float, float]:
        """Return the seconds of the first step, and of one of those that follow."""
        take_step, state = self.trainer.take_step, self.trainer.state
        report("timing steps", 0, 0)
        first = self._timed(take_step)
        for _ in range(min(WARM_UP, total - 2)):
            take_step()
        begun, began = state.step, self._now()
        last = min(total, max(begun + 1, total - 1))  # one is left to tell its parts apart
        while state.step < last and time.perf_counter() - began < SECONDS:
            take_step()
        taken = state.step - begun
        return first, (self._now() - began) / taken if taken else first

    def _evaluation(self) -> tuple[float, float]:
        """Return the seconds that the first evaluation adds, and those of each evaluation."""
        report("timing an evaluation", 0, 0)
        pace, section = _Pace(), self.spec.evaluation
        assert section is not None  # the plan has evaluations only if there is one
        try:
            with reporting_to(pace):
                first = self._timed(self.trainer.evaluate)
        except _BrokenOff:
            real = len(self.trainer.prepared.split)
            return pace.per_sample * real, pace.per_sample * section.samples
        if first > PATIENCE / 2:
            each = pace.per_sample * section.samples or first
            return first - each, each
        again = self._timed(self.trainer.evaluate)
        return max(0.0, first - again), again

    def _timed(self, work: Callable[[], object]) -> float:
        began = self._now()
        work()
        return self._now() - began

    def _now(self) -> float:
        """Return the time at which the device has done all it was told to do."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return time.perf_counter()


def _times(plan: Plan) -> dict[str, int]:
    """Return how often things happen; every evaluation may be the best yet, which is saved."""

    def due(every: int) -> int:
        return -(-plan.total // every)  # at the end, too

    evaluations = checkpoints = 0
    if plan.evaluation is not None:
        evaluations = due(plan.evaluation)
        checkpoints = evaluations - due(math.lcm(plan.checkpoint, plan.evaluation))
    return {
        "evaluations": evaluations,
        "checkpoints": checkpoints + due(plan.checkpoint),
        "samples": due(plan.samples),
    }


def _bytes_in(folder: Path) -> int:
    """Return the size of the files in a folder, without those in folders in it."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def _advice(
    spec: RunSpec,
    device: torch.device,
    threads: int,
    seconds: dict[str, float],
    memory: int | None,
    available: int | None,
) -> list[str]:
    """Return what would make a run faster."""
    total, training = sum(seconds.values()), spec.training
    settings = {
        "evaluations": "evaluation.every, or lower evaluation.samples",
        "checkpoints": "output.checkpoint_every",
        "samples": "output.samples_every",
    }
    found = [
        f"{part} take {seconds[part] / total:.0%} of the time: raise {setting}"
        for part, setting in settings.items()
        if seconds[part] > total / 5
    ]
    if device.type == "cpu":
        cores = os.cpu_count() or 1
        gpu = torch.accelerator.is_available()
        faster = "this machine has one" if gpu else "it is many times faster for convolutions"
        found.append(f"device: use a GPU; {faster}")
        if 2 * threads <= cores:
            found.append(f"threads: torch offers {threads} for {cores} cores; set OMP_NUM_THREADS")
        return found
    if training.precision == "float32":
        found.append("training.precision: bfloat16 is faster on most GPUs")
    if not training.compile:
        found.append("training.compile: worth a try for a long run")
    if memory is not None and available is not None and memory < available / 4:
        used = f"{memory / available:.0%} of the memory is used"
        found.append(f"training.batch_size: larger ones fit; {used}")
    return found
