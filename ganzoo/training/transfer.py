"""Weights and state of another run: to start from, or to branch from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from ganzoo.errors import Problem, SpecError
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.history import checkpoint_step
from ganzoo.sampling import Sampler
from ganzoo.spec import InitializeFrom
from ganzoo.training.ema import MovingAverage
from ganzoo.training.game import Game
from ganzoo.training.state import TrainingState
from ganzoo.utils.tensors import tensors_under


@dataclass(frozen=True)
class Parent:
    """A checkpoint of another run.

    Attributes:
        run: the directory of the run.
        checkpoint: the checkpoint.
    """

    run: Path
    checkpoint: Checkpoint


@dataclass
class Transfer:
    """What was taken from another run, and what is new.

    Attributes:
        run: the directory of the other run.
        step: of its checkpoint.
        kind: whether the run is continued, or only weights are taken.
        kept: for each part, how many of its tensors were taken, of how many.
        new: names of the tensors and parts that were not: the other run has none of that name and shape.
    """

    run: Path
    step: int
    kind: Literal["branch", "weights"] = "weights"
    kept: dict[str, tuple[int, int]] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)

    def add(self, part: str, names: Iterable[str], new: Iterable[str]) -> None:
        """Record which tensors of a part there are, and which of them are new."""
        names, new = list(names), list(new)
        self.kept[part] = (len(names) - len(new), len(names))
        self.new += [f"{part}.{name}" for name in new]

    def to_json(self) -> dict[str, Any]:
        """Return the record as environment.json holds it."""
        kept = {part: f"{taken} of {total}" for part, (taken, total) in self.kept.items()}
        return {
            "run": str(self.run),
            "step": self.step,
            "kind": self.kind,
            "kept": kept,
            "new": self.new,
        }


def open_parent(run: RunDirectory, which: str | int) -> Parent:
    """Return a checkpoint of a run.

    Args:
        run: the run.
        which: ``last``, ``best`` or a step.

    Raises:
        RunError: the run has no such checkpoint.
        ganzoo.errors.CheckpointError: it is damaged.
    """
    step = run.kept_step(checkpoint_step(run, which))
    return Parent(run.path, Checkpoint.load(run.checkpoint_path(step)))


def initialize(
    game: Game, average: MovingAverage[Sampler] | None, source: InitializeFrom
) -> Transfer:
    """Take weights of networks, and their average, from another run; all else starts anew.

    Raises:
        SpecError: that run has no such network, or nothing of it fits.
        RunError: it is not a run directory, or has no such checkpoint.
    """
    parent = open_parent(RunDirectory.open(source.run), source.checkpoint)
    saved = _networks(parent.checkpoint)
    ours = game.networks
    chosen = (
        [name for name in ours if name in saved] if source.networks is None else source.networks
    )
    for name in chosen:
        for place, networks in ((source.run, saved), ("this run", ours)):
            if name not in networks:
                known = ", ".join(networks)
                problem = f"{place} has no network {name!r} (available: {known})"
                raise SpecError([Problem("initialize_from.networks", problem)])
    if not chosen:
        problem = f"{source.run} and this run have no network in common"
        raise SpecError([Problem("initialize_from", problem)])
    transfer = Transfer(parent.run, parent.checkpoint.step)
    for name in chosen:
        new = _load_matching(ours[name], saved[name])
        transfer.add(name, ours[name].state_dict(), new)
        weights = [each for each, _ in ours[name].named_parameters()]
        if weights and not set(weights) - set(new):  # counters of batches are no weights
            problem = (
                f"no weight of network {name!r} of {source.run} has the name and shape of one here"
            )
            raise SpecError([Problem("initialize_from", problem)])
    if average is not None:
        averaged = tensors_under(parent.checkpoint.tensors, "average")
        taken = {name: each for name, each in averaged.items() if name.partition(".")[0] in chosen}
        _begin_average(game, average, taken)
    return transfer


def branch(state: TrainingState, parent: Parent) -> Transfer:
    """Continue another run with changed settings: whatever still fits of its state is taken.

    Weights, averages and moments are taken where their names and shapes are the same, and the settings
    of optimizers are those of the new spec. Steps are counted on.
    """
    checkpoint = parent.checkpoint
    transfer = Transfer(parent.run, checkpoint.step, "branch")
    saved = _networks(checkpoint)
    for name, network in state.game.networks.items():
        new = _load_matching(network, saved.get(name, {}))
        transfer.add(name, network.state_dict(), new)
    if state.average is not None:
        averaged = tensors_under(checkpoint.tensors, "average")
        new = _begin_average(state.game, state.average, averaged)
        transfer.add("average", state.average.network.state_dict(), new)
    for name, optimizer in state.game.optimizers.items():
        new = state.adopt_optimizer(name, checkpoint)
        transfer.add(f"moments of {name}", optimizer.names, new)
    transfer.new += state.callbacks.adopt(checkpoint.values.get("callbacks", {}))
    state.restore_random_numbers(checkpoint)
    state.go_to(checkpoint.step)
    return transfer


def _networks(checkpoint: Checkpoint) -> dict[str, dict[str, torch.Tensor]]:
    """Return the state of each network of a checkpoint."""
    networks: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors_under(checkpoint.tensors, "networks").items():
        network, _, rest = name.partition("/")
        networks.setdefault(network, {})[rest] = tensor
    return networks


def _begin_average(
    game: Game, average: MovingAverage[Sampler], saved: Mapping[str, torch.Tensor]
) -> list[str]:
    """Load what fits of another run's average, and return the names of what is new.

    What is new in the networks is new in their average: it starts from their weights.
    """
    average.network.load_state_dict(game.sampler.state_dict())
    return _load_matching(average.network, saved)


def _load_matching(module: nn.Module, saved: Mapping[str, torch.Tensor]) -> list[str]:
    """Load what has the same names and shapes, and return the names of what does not."""
    own = module.state_dict()
    fitting = {
        name: tensor
        for name, tensor in saved.items()
        if name in own and own[name].shape == tensor.shape
    }
    module.load_state_dict(fitting, strict=False)
    return [name for name in own if name not in fitting]
