"""Taking the state of training apart into a checkpoint, and putting it back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ganzoo.data.batches import Batches
from ganzoo.errors import CheckpointWarning, RunError
from ganzoo.runs.changes import differences, spec_changes
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.sampling import Sampler
from ganzoo.spec import RunSpec
from ganzoo.training.callbacks import Callbacks
from ganzoo.training.ema import MovingAverage
from ganzoo.training.game import Game
from ganzoo.training.meters import Meters
from ganzoo.utils.seeds import derive_seed
from ganzoo.utils.tensors import tensors_under


@dataclass
class TrainingState:
    """All that changes while a run is trained.

    Attributes:
        spec: the run.
        game: networks and optimizers.
        average: the averaged sampler, or None.
        batches: the stream of real samples.
        rng: the game's source of randomness, on the training device.
        callbacks: what acts on the run.
        data: what a resumed run's data must have in common with these.
        step: steps taken.
        threads: that a CPU computes with; None until that has been chosen.
        meters: numbers since they were last logged, on the device.
    """

    spec: RunSpec
    game: Game
    average: MovingAverage[Sampler] | None
    batches: Batches
    rng: torch.Generator
    callbacks: Callbacks
    data: dict[str, Any]
    step: int = 0
    threads: int | None = None
    meters: Meters = field(default_factory=Meters)

    def checkpoint(self, log: dict[str, Any] | None = None) -> Checkpoint:
        """Return a copy of the state; ``log`` is the mark of what was logged until now."""
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {
            "data": self.data,
            "log": log,
            "device": self.rng.device.type,
            "threads": self.threads,
            "counts": self.meters.counts,
            "optimizers": {},
            "slots": {},
            "scalers": {},
            "factors": {},
            "parameters": {},
            "callbacks": self.callbacks.state_dict(),
        }
        for name, network in self.game.networks.items():
            _put(tensors, f"networks/{name}", network.state_dict())
        values["sampler"] = self._put_sampler(tensors)
        if self.average is not None:
            _put(tensors, "average", self.average.network.state_dict())
        for name, each in self.game.optimizers.items():
            state = each.state_dict()
            values["optimizers"][name] = state["param_groups"]
            values["scalers"][name] = each.scaler.state_dict()
            values["factors"][name] = each.factors
            values["parameters"][name] = {"optimizer": each.kind, "names": each.names}
            values["slots"][name] = {}
            for index, slots in state["state"].items():
                held = {key: slot for key, slot in slots.items() if isinstance(slot, torch.Tensor)}
                _put(tensors, f"optimizers/{name}/{index}", held)
                values["slots"][name][str(index)] = {
                    key: slot for key, slot in slots.items() if key not in held
                }
        _put(tensors, "sums", self.meters.sums)
        tensors["rng/game"] = self.rng.get_state()
        tensors["rng/cpu"] = torch.get_rng_state()
        if self.rng.device.type == "cuda":
            tensors["rng/cuda"] = torch.cuda.get_rng_state(self.rng.device)
        return Checkpoint(self.step, self.spec.to_json(), tensors, values)

    def _put_sampler(self, tensors: dict[str, torch.Tensor]) -> dict[str, str]:
        """Return where each tensor of the sampler is; those that no network has are added."""
        places = {tensor.data_ptr(): name for name, tensor in tensors.items() if tensor.numel()}
        found = {}
        for name, tensor in self.game.sampler.state_dict().items():
            place = places.get(tensor.data_ptr()) if tensor.numel() else None
            if place is None:
                place = f"sampler/{name}"
                tensors[place] = tensor
            found[name] = place
        return found

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a copy of the state.

        On another kind of device the run goes on with other random numbers, and a warning says so.

        Raises:
            RunError: it was made with another spec or with other data.
        """
        self._check_same(checkpoint)
        tensors, values = checkpoint.tensors, checkpoint.values
        for name, network in self.game.networks.items():
            network.load_state_dict(tensors_under(tensors, f"networks/{name}"))
        self.game.sampler.load_state_dict(tensors_under(tensors, "sampler"), strict=False)
        if self.average is not None:
            self.average.network.load_state_dict(tensors_under(tensors, "average"))
        for name in self.game.optimizers:
            self._restore_optimizer(name, checkpoint)
        device = self.rng.device
        sums = {name: value.to(device) for name, value in tensors_under(tensors, "sums").items()}
        self.meters = Meters(sums, dict(values["counts"]))
        self.callbacks.load_state_dict(values.get("callbacks", {}))
        self.restore_random_numbers(checkpoint)
        self.go_to(checkpoint.step)

    def restore_random_numbers(self, checkpoint: Checkpoint) -> None:
        """Take over the random states; on another kind of device, warn and draw others."""
        tensors, device = checkpoint.tensors, self.rng.device
        torch.set_rng_state(tensors["rng/cpu"])
        made_on = checkpoint.values["device"]
        if made_on == device.type:
            self.rng.set_state(tensors["rng/game"])
            if "rng/cuda" in tensors:
                torch.cuda.set_rng_state(tensors["rng/cuda"], device)
            return
        self.rng.manual_seed(derive_seed(self.spec.seed, "training", checkpoint.step))
        warnings.warn(
            f"the checkpoint of step {checkpoint.step} was written on {made_on}; on {device.type} the"
            " run goes on with other random numbers",
            CheckpointWarning,
            stacklevel=3,
        )

    def go_to(self, step: int) -> None:
        """Set the number of steps taken, and find the batch that comes next."""
        self.step = step
        self.batches.seek(step * self.spec.algorithm.batches_per_step)

    def _restore_optimizer(self, name: str, checkpoint: Checkpoint) -> None:
        """Take over the state of one optimizer, and its settings."""
        each, values = self.game.optimizers[name], checkpoint.values
        slots = {
            index: _slots(parameter, checkpoint, name, index)
            for index, parameter in enumerate(each.parameters)
            if str(index) in values["slots"][name]
        }
        # Groups of ganzoo 0.1 have no factor on the learning rate.
        groups = [{"lr_factor": 1.0, **group} for group in values["optimizers"][name]]
        each.load_state_dict({"state": slots, "param_groups": groups})
        each.scaler.load_state_dict(values["scalers"][name])
        for scheduled, factors in values.get("factors", {}).get(name, {}).items():
            for owner, factor in factors.items():
                each.scale(scheduled, factor, owner)

    def adopt_optimizer(self, name: str, checkpoint: Checkpoint) -> list[str]:
        """Take over the moments of another run where names and shapes of parameters are the same.

        Returns:
            The parameters whose moments are new: all of them where the optimizer is of another type.
        """
        each = self.game.optimizers[name]
        known = checkpoint.values.get("parameters", {}).get(name)
        if known is None:  # of ganzoo 0.1, which had one order of parameters
            known = {"optimizer": each.kind, "names": each.names}
        same = known["optimizer"] == each.kind
        places = {label: place for place, label in enumerate(known["names"])} if same else {}
        slots, new = {}, []
        for index, (label, parameter) in enumerate(zip(each.names, each.parameters, strict=True)):
            try:
                slots[index] = _slots(parameter, checkpoint, name, places[label])
            except (LookupError, ValueError):
                new.append(label)
        groups = each.state_dict()["param_groups"]
        each.load_state_dict({"state": slots, "param_groups": groups})
        return new

    def _check_same(self, checkpoint: Checkpoint) -> None:
        known = checkpoint.values["data"]
        changes = spec_changes(checkpoint.spec, self.spec.to_json())
        if "sha256" in known:  # the data are compared by what they are, not by where they lie
            changes = {
                path: change
                for path, change in changes.items()
                if not path.startswith("dataset.") or path == "dataset.horizontal_flip"
            }
        if changes:
            raise RunError(
                f"spec.json was edited since the checkpoint of step {checkpoint.step}"
                f" ({'; '.join(changes.values())}): undo that, or start a new run with it (ganzoo"
                " branch)"
            )
        changes = differences(known, {key: self.data.get(key) for key in known})
        if changes:
            other = changes.pop("sha256", None) and "its content is not the same"
            raise RunError(
                f"the data set has changed since the checkpoint of step {checkpoint.step}"
                f" ({'; '.join(changes.values()) or other}): put it back, or start a new run with it"
                " (ganzoo branch)"
            )


def _put(tensors: dict[str, torch.Tensor], prefix: str, state: Mapping[str, torch.Tensor]) -> None:
    tensors.update({f"{prefix}/{name}": value for name, value in state.items()})


def _slots(
    parameter: torch.Tensor, checkpoint: Checkpoint, name: str, index: int
) -> dict[str, Any]:
    """Return what an optimizer keeps of one parameter, laid out in memory as that is.

    Fused optimizers rely on the layout.

    Raises:
        ValueError: it is kept of a parameter of another shape.
    """
    slots: dict[str, Any] = dict(checkpoint.values["slots"][name][str(index)])
    for key, value in tensors_under(checkpoint.tensors, f"optimizers/{name}/{index}").items():
        if value.dim() and value.shape != parameter.shape:
            raise ValueError(f"{key} is {tuple(value.shape)}, not {tuple(parameter.shape)}")
        same = value.shape == parameter.shape
        slots[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value) if same else value
    return slots
