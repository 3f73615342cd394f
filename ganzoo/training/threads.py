"""How many threads torch computes with on a CPU: what is fastest while the machine is as busy as it is.

Sums over other numbers of threads differ in their last bits. The number is therefore chosen once, before
the first step, and is part of every checkpoint.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ganzoo.components import DatasetInfo
from ganzoo.errors import CheckpointWarning
from ganzoo.spec import RunSpec
from ganzoo.training.setup import build_game
from ganzoo.training.state import TrainingState

SECONDS = 0.1
"""How long steps are timed with each number of threads."""

WORTHWHILE = 100
"""Steps of a training below which none are timed."""

SLOWER = 1.05
"""How much slower fewer threads may be: they leave cores to others."""


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Compute with a number of threads in a ``with`` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_threads(state: TrainingState, info: DatasetInfo, total: int) -> int:
    """Return the number of threads for a training that has not begun.

    Where the spec leaves it open, a few steps are timed: those of a copy of the game, so that the
    training is as if they had not been taken.

    Args:
        state: the training.
        info: the description of the data set.
        total: steps of the training.
    """
    training, offered = state.spec.training, torch.get_num_threads()
    if training.threads != "auto":
        return training.threads
    on_cpu = state.rng.device.type == "cpu"
    settled = training.deterministic or training.compile  # compiling takes longer than it saves
    if offered == 1 or not on_cpu or settled or total < WORTHWHILE:
        return offered
    batch = state.batches.next()
    state.go_to(state.step)
    with torch.random.fork_rng(devices=[]):
        game = build_game(state.spec, info, state.rng.device, torch.Generator())

        def step(number: int) -> None:
            game.step(lambda: batch, number, 0.0)

        step(0)  # the first ones are slower
        return _fastest(step, offered)


def kept_threads(spec: RunSpec, recorded: object) -> int:
    """Return the number of threads to resume with: the recorded one, where there are as many cores."""
    offered = torch.get_num_threads()
    if spec.training.threads != "auto":
        return spec.training.threads
    if not isinstance(recorded, int):
        return offered  # ganzoo 0.1 and 0.2 had all that there are
    if 1 <= recorded <= max(offered, os.cpu_count() or 1):
        return recorded
    warnings.warn(
        f"the run was trained with {recorded} threads, and this machine has fewer cores: with {offered}"
        " its results may differ in their last digits",
        CheckpointWarning,
        stacklevel=3,
    )
    return offered


def _fastest(step: Callable[[int], object], offered: int) -> int:
    """Try half as many threads as long as that is no slower."""
    chosen, least, count = offered, math.inf, offered
    while count:
        with using_threads(count):
            seconds = _seconds(step)
        if seconds > SLOWER * least:
            break
        chosen, least = count, min(least, seconds)
        count //= 2
    return chosen


def _seconds(step: Callable[[int], object]) -> float:
    """Return the seconds of a step, on average; it is the same ones that are taken each time."""
    step(0)  # threads are started, and the cores' caches filled
    taken, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SECONDS or taken < 2:
        step(taken)
        taken += 1
    return elapsed / taken
