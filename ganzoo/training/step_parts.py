"""Where the time of a step goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from ganzoo.data.batches import Batch

if TYPE_CHECKING:
    from ganzoo.training.loop import Trainer

STEPS, SECONDS = 20, 2.0
"""Steps at most, and seconds after which no other is begun."""


def parts_of_steps(trainer: Trainer, now: Callable[[], float]) -> dict[str, float]:
    """Take a few steps, and return the fraction of their time that each part takes.

    The parts are ``data``, the batches; by the name of each optimizer, all that comes before its update:
    generating samples, the losses and their gradients; ``optimizers``, the updates; and ``other``, such
    as the average of weights.

    Args:
        trainer: the run, in which there are steps left to take.
        now: tells the time at which the device has done all it was told to do.
    """
    state, plan = trainer.state, trainer.prepared.plan
    seconds: dict[str, float] = defaultdict(float)
    began = mark = now()

    def ends(part: str) -> None:
        nonlocal mark
        before, mark = mark, now()
        seconds[part] += mark - before

    def next_batch() -> Batch:
        ends("other")  # what has been done since the last update
        batch = state.batches.next()
        ends("data")
        return batch

    def timed(name: str, update: Callable[[], None]) -> Callable[[], None]:
        def step() -> None:
            ends(name)
            update()
            ends("optimizers")

        return step

    optimizers = state.game.optimizers
    for name, each in optimizers.items():
        vars(each)["step"] = timed(name, each.step)
    try:
        for _ in range(min(STEPS, plan.total - state.step)):
            trainer.take_step(next_batch)
            ends("other")
            if mark - began > SECONDS:
                break
    finally:
        for each in optimizers.values():
            del vars(each)["step"]
    total = sum(seconds.values())
    order = ("data", *optimizers, "optimizers", "other")
    return {part: seconds[part] / total for part in order} if total else {}
