"""Taking the state of training apart into a checkpoint, and putting it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from ganzoo.data.batches import Batches
from ganzoo.errors import RunError
from ganzoo.sampling import TrainedGenerator
from ganzoo.spec import RunSpec
from ganzoo.training.checkpoints import Checkpoint
from ganzoo.training.ema import MovingAverage
from ganzoo.training.game import Game


@dataclass
class TrainingState:
    """All that changes while a run is trained.

    Attributes:
        spec: the run.
        game: networks and optimizers.
        average: the averaged generator, or None.
        batches: the stream of real samples.
        rng: the game's source of randomness, on the training device.
        step: steps taken.
        sums: sums of logged numbers since they were last read, on the device.
    """

    spec: RunSpec
    game: Game
    average: MovingAverage[TrainedGenerator] | None
    batches: Batches
    rng: torch.Generator
    step: int = 0
    sums: dict[str, torch.Tensor] = field(default_factory=dict)

    def checkpoint(self) -> Checkpoint:
        """Return a copy of the state."""
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {"optimizers": {}, "scalers": {}}
        for name, network in self.game.networks.items():
            _put(tensors, f"networks/{name}", network.state_dict())
        if self.average is not None:
            _put(tensors, "average", self.average.network.state_dict())
        for name, each in self.game.optimizers.items():
            state = each.state_dict()
            values["optimizers"][name] = state["param_groups"]
            values["scalers"][name] = each.scaler.state_dict()
            for index, slots in state["state"].items():
                _put(tensors, f"optimizers/{name}/{index}", slots)
        _put(tensors, "sums", self.sums)
        tensors["rng/game"] = self.rng.get_state()
        tensors["rng/cpu"] = torch.get_rng_state()
        if self.rng.device.type == "cuda":
            tensors["rng/cuda"] = torch.cuda.get_rng_state(self.rng.device)
        return Checkpoint(self.step, self.spec.to_json(), tensors, values)

    def restore(self, checkpoint: Checkpoint, batches_per_step: int) -> None:
        """Continue from a copy of the state.

        Raises:
            RunError: it was made with another spec.
        """
        changes = _differences(checkpoint.spec, self.spec.to_json())
        if changes:
            raise RunError(
                f"spec.json was edited since the checkpoint of step {checkpoint.step}"
                f" ({'; '.join(changes)}): undo that, or start a new run with it"
            )
        tensors = checkpoint.tensors
        for name, network in self.game.networks.items():
            network.load_state_dict(_take(tensors, f"networks/{name}"))
        if self.average is not None:
            self.average.network.load_state_dict(_take(tensors, "average"))
        for name, each in self.game.optimizers.items():
            slots = {
                index: _like_parameter(parameter, _take(tensors, f"optimizers/{name}/{index}"))
                for index, parameter in enumerate(each.parameters)
            }
            groups = checkpoint.values["optimizers"][name]
            each.load_state_dict({"state": slots, "param_groups": groups})
            each.scaler.load_state_dict(checkpoint.values["scalers"][name])
        device = self.rng.device
        self.sums = {name: value.to(device) for name, value in _take(tensors, "sums").items()}
        self.rng.set_state(tensors["rng/game"])
        torch.set_rng_state(tensors["rng/cpu"])
        if "rng/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng/cuda"], device)
        self.step = checkpoint.step
        self.batches.seek(self.step * batches_per_step)


def _put(tensors: dict[str, torch.Tensor], prefix: str, state: dict[str, torch.Tensor]) -> None:
    tensors.update({f"{prefix}/{name}": value for name, value in state.items()})


def _take(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }


def _like_parameter(
    parameter: torch.Tensor, slots: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Lay moments out in memory as their parameter is: fused optimizers rely on it."""
    return {
        name: torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        if value.shape == parameter.shape
        else value
        for name, value in slots.items()
    }


def _differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Describe where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = list(dict.fromkeys([*before, *after]))
        return [
            line
            for key in keys
            for line in _differences(
                before.get(key), after.get(key), f"{path}.{key}" if path else str(key)
            )
        ]
    return [] if before == after else [f"{path} was {before!r} and is {after!r}"]
