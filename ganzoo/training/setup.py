"""From a validated spec to everything that training needs, before anything is written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ganzoo.components import DatasetInfo
from ganzoo.data.batches import STREAM_ABOVE, Batches, Order
from ganzoo.data.split import Split
from ganzoo.errors import DataError, DeviceError, GanzooWarning, Problem, SpecError
from ganzoo.sampling import Sampler
from ganzoo.spec import Duration, RunSpec
from ganzoo.training.callbacks import Callbacks, TrainingView
from ganzoo.training.ema import MovingAverage
from ganzoo.training.evaluate import TrainingEvaluator
from ganzoo.training.game import Game, TrainingContext
from ganzoo.training.memory_limit import within_memory
from ganzoo.training.numerics import weights_dtype
from ganzoo.training.optimizers import matching
from ganzoo.training.state import TrainingState
from ganzoo.utils.hashing import content_hash
from ganzoo.utils.progress import report
from ganzoo.utils.seeds import derive_seed

HASHED = 1 << 24
"""Bytes of the data that are hashed at a time."""

HELD_OUT = "test"
"""The split of samples that training does not see."""


@dataclass(frozen=True)
class Plan:
    """Lengths of time, in steps.

    Attributes:
        total: the whole training.
        log: from one line of metrics to the next.
        samples: from one grid to the next.
        checkpoint: from one checkpoint to the next.
        evaluation: from one evaluation to the next, or None where there is none.
        epoch: one pass over the data; a fraction where an epoch is not a whole number of steps.
        images: real images shown in one step, on average.
    """

    total: int
    log: int
    samples: int
    checkpoint: int
    evaluation: int | None
    epoch: float
    images: float

    @classmethod
    def of(cls, spec: RunSpec, order: Order) -> Plan:
        """Turn the durations of a spec into steps."""
        epoch = order.batches_per_epoch / spec.algorithm.batches_per_step
        # Where the last batch is kept, batches are a little smaller on average.
        shown = (
            order.size
            if spec.training.last_batch == "keep"
            else (order.batches_per_epoch * order.batch_size)
        )
        images = shown / epoch

        def steps(duration: Duration) -> int:
            return duration.steps(images, epoch)

        return cls(
            total=steps(spec.training.duration),
            log=steps(spec.output.log_every),
            samples=steps(spec.output.samples_every),
            checkpoint=steps(spec.output.checkpoint_every),
            evaluation=None if spec.evaluation is None else steps(spec.evaluation.every),
            epoch=epoch,
            images=images,
        )


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to begin.

    Attributes:
        info: the description of the data set.
        split: the split to train on.
        state: networks, optimizers and data, at step 0.
        plan: when what is due.
        evaluator: evaluates the samples if the spec asks for it, else None.
    """

    info: DatasetInfo
    split: Split
    state: TrainingState
    plan: Plan
    evaluator: TrainingEvaluator | None

    @property
    def sampler(self) -> Sampler:
        """What samples are generated with: the averaged weights where there are some."""
        average = self.state.average
        return self.state.game.sampler if average is None else average.network


def prepare(
    spec: RunSpec, info: DatasetInfo, device: torch.device, *, tried_only: bool = False
) -> Prepared:
    """Open the data and build the networks; whatever is wrong with a run shows here.

    ``tried_only`` leaves out the hash of the data, which takes long, and which only checkpoints need.

    Raises:
        ganzoo.errors.DataError: the data cannot be read, or are fewer than a batch; or weights of the
            extractor for evaluation are missing.
        SpecError: parts of the run do not fit together.
    """
    training = spec.training
    # Open the data first: the rest takes longer.
    with spec.naming_dataset():
        split = spec.dataset.build_training()
    order = Order(
        len(split),
        training.batch_size,
        keep_last=training.last_batch == "keep",
        flip=spec.dataset.horizontal_flip,
        seed=spec.seed,
    )

    # Build what evaluates the samples: weights of an extractor may be missing.
    evaluator = None
    if spec.evaluation is not None:
        evaluator = TrainingEvaluator(spec, info, split, device)

    rng = torch.Generator(device).manual_seed(derive_seed(spec.seed, "training"))
    game = build_game(spec, info, device, rng)
    _refuse_single_samples(spec, order, game)
    if game.sampler.examples is not None and split.condition is not None:
        examples = _examples(split.condition, len(game.sampler.examples), spec.seed)
        game.sampler.examples = examples.to(device, weights_dtype(training.precision))
    average = None
    if training.ema is not None:
        average = MovingAverage(
            game.sampler, training.ema.decay.build(), ramp_up=training.ema.ramp_up
        )

    callbacks = Callbacks(tuple(spec.acting.values()), spec.callback_setting(info), game.optimizers)
    data = {
        "samples": len(split),
        "sample_shape": list(split.space.shape),
        "sha256": "" if tried_only else content_hash(_parts_of(split)),
    }
    batches = _batches(spec, info, split, order, game, device)
    state = TrainingState(spec, game, average, batches, rng, callbacks, data)
    plan = Plan.of(spec, order)
    held_out = partial(_held_out, spec, info)
    callbacks.on_start(TrainingView(game, split, held_out, plan.epoch, spec.seed))
    return Prepared(info, split, state, plan, evaluator)


def build_game(
    spec: RunSpec, info: DatasetInfo, device: torch.device, rng: torch.Generator
) -> Game:
    """Build the networks, and freeze what is not to be trained.

    Weights are drawn on the CPU, so that every device starts from the same.

    Raises:
        ganzoo.errors.DeviceError: the device has no numbers of this precision.
        SpecError: the networks are too large, or a pattern matches no weight.
    """
    training, dtype = spec.training, weights_dtype(spec.training.precision)
    if device.type == "mps" and dtype == torch.float64:
        raise DeviceError(
            "training.precision: Apple GPUs have no float64; use float32, or device cpu"
        )
    torch.manual_seed(derive_seed(spec.seed, "weights"))
    with within_memory(spec):
        game = spec.algorithm.build(info, TrainingContext(training, device, dtype, rng))
    _freeze(game, training.freeze)
    return game


def _batches(
    spec: RunSpec, info: DatasetInfo, split: Split, order: Order, game: Game, device: torch.device
) -> Batches:
    """Return what gives the batches: from memory, or read ahead by workers where the data are large."""
    training = spec.training
    streamed = training.loading == "workers" or (
        training.loading == "auto" and split.nbytes > STREAM_ABOVE
    )
    return Batches(
        split,
        order,
        device=device,
        dtype=weights_dtype(training.precision),
        memory_format=game.memory_format,
        with_condition=spec.algorithm.condition(info) is not None,
        workers=training.workers if streamed else 0,
    )


def _examples(condition: npt.NDArray[Any], count: int, seed: int) -> torch.Tensor:
    """Return conditions of some real samples, for samples that are asked for without any."""
    drawn = torch.Generator().manual_seed(derive_seed(seed, "example conditions"))
    order = torch.randperm(len(condition), generator=drawn)
    return torch.from_numpy(condition[order[torch.arange(count) % len(order)].numpy()])


def _held_out(spec: RunSpec, info: DatasetInfo) -> Split | None:
    """Open the test split; None where there is none to read or it is trained on."""
    if HELD_OUT not in info.splits or spec.dataset.split != "train":
        return None
    try:
        return spec.dataset.build(HELD_OUT)
    except DataError:
        return None


def _parts_of(split: Split) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield everything that is learned from, a few rows at a time."""
    for name in ("samples", "condition", "source"):
        array = getattr(split, name)
        if array is None:
            continue
        what = f"{name} {array.dtype} {array.shape}"
        rows = max(1, HASHED // max(1, array[:1].nbytes))
        for begin in range(0, len(array), rows):
            if array.nbytes > STREAM_ABOVE:
                report("reading the data set", begin, len(array))
            part = np.ascontiguousarray(array[begin : begin + rows])
            yield what if begin == 0 else "", part


def _freeze(game: Game, patterns: tuple[str, ...]) -> None:
    """Switch training off for weights whose names match; warn of networks without any other.

    Raises:
        SpecError: a pattern matches no weight.
    """
    parameters = {
        f"{network}.{name}": parameter
        for network, module in game.networks.items()
        for name, parameter in module.named_parameters()
    }
    for index, pattern in enumerate(patterns):
        for name in matching(pattern, [*parameters], f"training.freeze.{index}", "this run"):
            parameters[name].requires_grad_(False)
    for network, module in game.networks.items():
        weights = [*module.parameters()]
        if patterns and weights and not any(each.requires_grad for each in weights):
            message = f"training.freeze: no weight of {network} is trained"
            warnings.warn(message, GanzooWarning, stacklevel=2)


def _refuse_single_samples(spec: RunSpec, order: Order, game: Game) -> None:
    """Refuse batches of one sample where batch norm over vectors needs two.

    Raises:
        SpecError: the last batch of an epoch, or a part of a batch, would be one sample.
    """
    layers = [layer for network in game.networks.values() for layer in network.modules()]
    if not any(isinstance(layer, nn.BatchNorm1d) for layer in layers):
        return
    training = spec.training
    batches = {order.batch_size}
    if training.last_batch == "keep":
        batches.add(order.size % order.batch_size or order.batch_size)
    parts = [part for size in batches for part in torch.empty(size).chunk(training.accumulation)]
    if min(map(len, parts)) == 1:
        message = (
            f"batches of {training.batch_size} from {order.size} samples in {training.accumulation}"
            " part(s) leave a single sample, which batch norm cannot take; choose another size, or"
            " last_batch 'drop'"
        )
        raise SpecError([Problem("training.batch_size", message)])
