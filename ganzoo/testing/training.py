"""The check of two steps of training: stopped after one and resumed, they are the same."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file

from ganzoo.components import (
    Algorithm,
    Augmentation,
    Component,
    Dataset,
    Discriminator,
    Generator,
    Latent,
    Loss,
    Network,
    Optimizer,
    Regularizer,
)
from ganzoo.hookspecs import hookimpl
from ganzoo.plugins import Plugins
from ganzoo.runs import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.testing.faults import check, require
from ganzoo.testing.tiny import (
    BATCH,
    LATENT,
    SAMPLE_SHAPES,
    TinyDiscriminator,
    TinyGenerator,
    registered,
    tiny_dataset,
)
from ganzoo.testing.trials import SampleShapes, accepted_shapes, few
from ganzoo.training.loop import train

STEPS = 2


@check
def check_training(component: Component, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Two steps of training, stopped after the first and resumed, give what two steps at once give.

    Everything else in the run is as small as can be. Checkpoints and weights are compared, to the
    last bit; the card of a run, which takes longer to draw than all else, is left out.
    """
    shapes = _shapes(component, sample_shapes)
    with (
        registered(type(component), TinyGenerator, TinyDiscriminator),
        TemporaryDirectory() as folder,
    ):
        if shapes:
            # Images before points: a grid of images is drawn in no time.
            shape = min(shapes, key=lambda shape: (len(shape) == 1, math.prod(shape)))
            _compare(_spec(component, Path(folder), shape), Path(folder))


def _compare(spec: RunSpec, folder: Path) -> None:
    whole, stopped = folder / "whole", folder / "stopped"
    _train(spec, whole)
    with contextlib.suppress(_Stopped):
        _train(spec, stopped, _StopAfterFirstCheckpoint())
    run = RunDirectory.open(stopped)
    train(run.spec, run.spec.check(), Plugins(), lambda: run, resume=True)

    expected, found = (_state(RunDirectory.open(path)) for path in (whole, stopped))
    differing = [name for name in expected if not _same(expected[name], found.get(name))]
    require(
        found.keys() == expected.keys() and not differing,
        f"a run stopped and resumed differs from one that was not, in {few(differing)}; all that"
        " changes in training must be in a parameter, a buffer or the optimizer's state, and all"
        " that is random must come from 'rng' or torch",
    )


def _train(spec: RunSpec, path: Path, *listeners: object) -> None:
    plugins = Plugins()
    with plugins.listening(*listeners):
        train(spec, spec.check(), plugins, lambda: RunDirectory.create(spec, path))


class _Stopped(BaseException):
    """Ends a run at once, past all that handles errors, as a kill would."""


class _StopAfterFirstCheckpoint:
    @hookimpl
    def ganzoo_checkpoint_saved(self) -> None:
        """End the run."""
        raise _Stopped


def _shapes(component: Component, sample_shapes: SampleShapes) -> list[tuple[int, ...]]:
    """Return shapes of samples to train on, none where a network accepts none."""
    if isinstance(component, Network):
        return accepted_shapes(component, sample_shapes)
    return [(1, 8, 8)]


def _spec(component: Component, folder: Path, shape: tuple[int, ...]) -> RunSpec:
    """Return a run as small as can be, with the component in its place."""
    conditional = isinstance(component, Network) and component.conditional
    parts: dict[str, Any] = {
        "dataset": tiny_dataset(folder, shape),
        "latent": {"type": "normal", "dim": LATENT},
        "generator": TinyGenerator(conditional=conditional),
        "discriminator": TinyDiscriminator(conditional=conditional),
        "training": {"duration": f"{STEPS} steps", "batch_size": BATCH},
        "output": {
            "log_every": "1 steps",
            "checkpoint_every": "1 steps",
            "samples_every": f"{STEPS} steps",
            "samples": 1,
        },
        "device": "cpu",
    }
    for family in (Algorithm, Dataset, Latent, Generator, Discriminator, Loss, Augmentation):
        if isinstance(component, family):
            parts[family.family] = component
    if isinstance(component, Regularizer):
        parts["regularizers"] = [component]
    if isinstance(component, Optimizer):
        parts["training"]["generator_optimizer"] = component
        parts["training"]["discriminator_optimizer"] = component
    return RunSpec.model_validate(parts)


def _state(run: RunDirectory) -> dict[str, torch.Tensor]:
    newest = run.checkpoints()[0]
    return {**load_file(newest), **load_file(run.generator_path)}


def _same(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    return other is not None and torch.equal(one, other)
