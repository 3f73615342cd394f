"""Checks of algorithms, callbacks, optimizers and schedules, and of each component in a run."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_origin
from unittest import mock

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from ganzoo.components import (
    Algorithm,
    Augmentation,
    AuxiliaryLoss,
    Callback,
    Component,
    ConditionKind,
    Dataset,
    Discriminator,
    Generator,
    Latent,
    Loss,
    Network,
    Optimizer,
    Regularizer,
    Translator,
    registry,
)
from ganzoo.errors import SpecError
from ganzoo.hookspecs import hookimpl
from ganzoo.plugins import Plugins
from ganzoo.runs import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.spec.run import DEFAULT_ALGORITHM, algorithm_fields
from ganzoo.training import OptimizerStep, Sampler
from ganzoo.training.loop import train
from ganzoo.training.setup import prepare
from ganzoo.training.state import TrainingState
from ganzoo_devkit.testing.checks import (
    Options,
    check,
    few,
    passes,
    require,
    require_tensor,
    require_type,
    same,
)
from ganzoo_devkit.testing.objectives import settings
from ganzoo_devkit.testing.trials import (
    BATCH,
    EVERYTHING,
    LATENT,
    TINY,
    TinyDiscriminator,
    TinyGenerator,
    TinyTranslator,
    accepted,
    registered,
    tiny_dataset,
)


@check(
    *(Algorithm, Dataset, Latent, Network, Loss, AuxiliaryLoss, Regularizer, Augmentation),
    *(Optimizer, Callback),
)
def check_training(component: Component, options: Options) -> None:
    """Two steps of training, stopped after the first and resumed, give what two steps at once give.

    Everything else in the run is as small as can be. Checkpoints and weights are compared, to the
    last bit. A translator is trained where an algorithm for translators is installed or given.
    """
    with _spec(component, options) as spec, TemporaryDirectory() as folder:
        if spec is None:
            return
        whole, stopped, plugins = Path(folder, "whole"), Path(folder, "stopped"), Plugins()
        with plugins.listening(_CopyAtFirstCheckpoint(whole, stopped)):
            train(spec, spec.check(), plugins, lambda: RunDirectory.create(spec, whole))
        run = RunDirectory.open(stopped)
        train(run.spec, run.spec.check(), Plugins(), lambda: run, resume=True)
        expected, found = (_state(RunDirectory.open(path)) for path in (whole, stopped))
    names = few(name for name in expected if not same(expected[name], found.get(name)))
    require(
        found.keys() == expected.keys() and not names,
        f"a run stopped and resumed differs from one that was not, in {names}; checkpoints must hold"
        " all that changes, and 'rng' or torch draw all that is random",
    )


class _CopyAtFirstCheckpoint:
    """Copies a run as it is left where it is killed just after its first checkpoint."""

    def __init__(self, run: Path, copy: Path) -> None:
        self.run, self.copy = run, copy

    @hookimpl
    def ganzoo_checkpoint_saved(self) -> None:
        """Copy the run."""
        if not self.copy.exists():
            shutil.copytree(self.run, self.copy)


def _state(run: RunDirectory) -> dict[str, torch.Tensor]:
    return {**load_file(run.checkpoints()[0]), **load_file(run.generator_path)}


@contextmanager
def _spec(component: Component, options: Options) -> Iterator[RunSpec | None]:
    """Give a run as small as can be with a component in its place, or None where there is none."""
    with registered(type(component), *TINY), TemporaryDirectory() as folder:
        refusal = None
        for parts in _parts(component, options, Path(folder)):
            try:
                spec = RunSpec.model_validate({**parts, **options.spec})
                spec.check()
            except SpecError as error:
                refusal = error
            else:
                yield spec
                return
        optional = isinstance(component, Callback) and "evaluation" not in options.spec
        require(
            refusal is None or optional,
            f"it is refused in a tiny run ({refusal}); give what it needs in 'specs'",
        )
        yield None


def _parts(component: Component, options: Options, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what may stand in a spec around a component, with data of different kinds."""
    shape: tuple[int, ...] = (1, 8, 8)
    kind: ConditionKind | None = None
    told = False
    if isinstance(component, Network):
        pairs = accepted(component, options)
        if not pairs:
            return
        # Images before points: a grid of images is drawn in no time.
        shape, kind = min(pairs, key=lambda pair: (len(pair[0]) == 1, math.prod(pair[0])))
        told = component.conditional
    elif isinstance(component, AuxiliaryLoss | Regularizer | Augmentation):
        setting = settings(component, options)[0]
        shape, told = setting.data.sample_shape, setting.condition is not None
        kind = None if setting.condition is None else setting.condition.kind
    algorithms = [options.spec.get("algorithm", DEFAULT_ALGORITHM)]
    if isinstance(component, Translator) and "algorithm" not in options.spec:
        algorithms = [*filter(_translates, registry.active().names("algorithm"))]
    for algorithm in algorithms:
        around = _around(component, algorithm, told=told)
        if isinstance(component, Dataset):
            yield {**around, "dataset": component}
            continue
        for chosen in (kind or "classes", None):
            for source, paired in ((False, True), (True, True), (True, False)):
                data = tiny_dataset(folder, shape, chosen, source=source, paired=paired)
                yield {**around, "dataset": data}


def _around(component: Component, algorithm: Any, *, told: bool) -> dict[str, Any]:
    """Return all of a spec but the data set: a component, and what it needs around it."""
    output = dict.fromkeys(("log_every", "checkpoint_every"), "1 steps")
    around: dict[str, Any] = {
        "training": {"duration": "2 steps", "batch_size": BATCH},
        "output": {**output, "samples_every": "2 steps", "samples": 1},
        "device": "cpu",
        "algorithm": algorithm,
    }
    if isinstance(component, Algorithm):
        around["algorithm"] = component
    else:
        around |= placed(algorithm, component, told=told)
    if isinstance(component, Callback):
        around["callbacks"] = [component]
        around["evaluation"] = {"extractor": "pixels", "samples": 8, "every": "1 steps"}
    return around


def placed(algorithm: Any, component: Component | None, *, told: bool = False) -> dict[str, Any]:
    """Return fields of an algorithm: a component where it may stand, else tiny parts as needed.

    The tiny networks are conditional where they are ``told``.
    """
    outputs = EVERYTHING if isinstance(component, AuxiliaryLoss) else ()
    tiny: dict[Any, Any] = {
        Generator: TinyGenerator(conditional=told),
        Translator: TinyTranslator(conditional=told),
        Discriminator: TinyDiscriminator(conditional=told, outputs=outputs),
        Latent: {"type": "uniform", "dim": LATENT},
    }
    fields: dict[str, Any] = {}
    for name, field in (algorithm_fields(algorithm) or {}).items():
        families = _families(field.annotation)
        if component is not None and isinstance(component, tuple(families)):
            several = any(get_origin(each) is tuple for each in _flat(field.annotation))
            fields[name] = [component] if several else component
        elif families and families[0] in tiny:
            fields[name] = tiny[families[0]]
    return fields


def _families(annotation: Any) -> list[type[Component]]:
    """Return the families that a field's annotation names."""
    named = (each for each in _flat(annotation) if isinstance(each, type))
    return [each for each in named if issubclass(each, Component) and each.is_family()]


def _flat(annotation: Any) -> list[Any]:
    return [annotation, *(part for each in get_args(annotation) for part in _flat(each))]


def _translates(algorithm: str) -> bool:
    fields = algorithm_fields(algorithm) or {}
    return any(Translator in _families(field.annotation) for field in fields.values())


@check(Algorithm)
def check_networks(algorithm: Algorithm, options: Options) -> None:
    """Whatever is trained or sampled with is a named network; optimizers are named as it says.

    ``build_sampler`` gives a sampler whose state dict has the names and shapes of the game's.
    """
    with _prepared(algorithm, options) as state:
        game, built = state.game, algorithm.build_sampler(state.spec.check())
        known = {each.data_ptr() for net in game.networks.values() for each in net.parameters()}
        wanted: dict[str, Any] = {"sampler": game.sampler.parameters()}
        wanted |= {f"optimizer {name!r}": each.parameters for name, each in game.optimizers.items()}
    for name, parameters in wanted.items():
        there = all(each.data_ptr() in known for each in parameters)
        require(
            there, f"weights of the {name} are in none of 'networks', so no checkpoint has them"
        )
    said, names = list(algorithm.optimizers), list(game.optimizers)
    right = not said or said == names
    require(right, f"'optimizers' says {few(said, 9)}, and {few(names, 9)} are built")
    require_type(built, Sampler, "'build_sampler'")
    one, other = (
        {(name, tuple(each.shape)) for name, each in sampler.state_dict().items()}
        for sampler in (built, game.sampler)
    )
    differing = few(name for name, _ in sorted(one ^ other))
    require(not differing, f"'build_sampler' and the game's sampler differ in {differing}")
    passes(algorithm.truncated, 0.5)


@check(Algorithm)
def check_step(algorithm: Algorithm, options: Options) -> None:
    """One step takes ``batches_per_step`` batches, changes each network's weights, gives numbers."""
    with _prepared(algorithm, options) as state:
        networks = state.game.networks.items()
        before = {name: _weights(net) for name, net in networks}
        batches = mock.Mock(side_effect=state.batches.next)
        numbers = state.game.step(batches, 0, 0.0)
        after = {name: _weights(net) for name, net in networks}
    for name, each in numbers.items():
        require_tensor(each, f"number {name!r} of a step", (), dtype=None)
        require(not each.requires_grad, f"number {name!r} carries a graph; detach it")
    taken, said = batches.call_count, algorithm.batches_per_step
    require(taken == said, f"a step takes {taken} batches, and 'batches_per_step' says {said}")
    still = few(
        name for name in before if before[name] and all(map(same, before[name], after[name]))
    )
    require(not still, f"a step does not change {still}")


@check(Algorithm)
def check_unused(algorithm: Algorithm, options: Options) -> None:
    """Fields of ``training`` that have no effect are named in ``unused``."""
    whole, _, _ = _watched(algorithm, options)
    changes = {"accumulation": 2, "precision": "bfloat16", "compile": True}
    for name in changes.keys() - algorithm.unused:
        size, autocast, compiled = _watched(algorithm, options, **{name: changes[name]})
        effect = {"accumulation": size < whole, "precision": autocast, "compile": compiled}
        require(effect[name], f"'training.{name}' has no effect; use it, or name it in 'unused'")


def _watched(algorithm: Algorithm, options: Options, **changes: Any) -> tuple[int, bool, bool]:
    """Take a step; return the most samples in a pass, whether autocast was on, and compilation."""
    sizes, autocast = [0], [False]

    def watch(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        autocast.append(torch.is_autocast_enabled("cpu"))
        sizes.append(len(inputs[0]) if torch.is_tensor(inputs[0]) else 0)

    with (
        mock.patch("torch.compile", side_effect=lambda network, **_: network) as compiled,
        _prepared(algorithm, options, **changes) as state,
    ):
        for network in state.game.networks.values():
            network.register_forward_pre_hook(watch)
        state.game.step(state.batches.next, 0, 0.0)
    return max(sizes), any(autocast), compiled.called


@check(Algorithm)
def check_accumulation(algorithm: Algorithm, options: Options) -> None:
    """Gradients summed over two parts of a batch are those of the whole batch.

    Those of the first update are compared. Where noise is drawn in another order for parts, they
    only have to be of the same size; where samples of a batch influence each other, nothing is checked.
    """
    if "accumulation" in algorithm.unused:
        return
    tried = ((1, 0), (1, 1), (2, 0))  # parts, and the seed of what is drawn
    found = [_first_gradients(algorithm, options, parts, seed) for parts, seed in tried]
    whole, again, parts = (torch.cat([torch.zeros(0), *each]) for each in found)
    if not all(map(len, (whole, again, parts))):
        return
    equal = partial(torch.allclose, rtol=1e-3, atol=1e-6)
    ratio = (parts.norm() / whole.norm()).item()
    right = equal(whole, parts) or (not equal(whole, again) and 0.6 < ratio < 1.6)
    wrong = f"gradients of two parts of a batch are {ratio:.3g} times those of the whole batch"
    require(right, wrong)


class _UpdatedError(Exception):
    """Ends a step at its first update."""


def _first_gradients(
    algorithm: Algorithm, options: Options, parts: int, seed: int
) -> list[torch.Tensor]:
    """Return the gradients of the first update, none where samples influence each other."""
    with (
        _prepared(algorithm, options, accumulation=parts) as state,
        mock.patch.object(OptimizerStep, "step", autospec=True, side_effect=_UpdatedError) as step,
    ):
        layers = [layer for net in state.game.networks.values() for layer in net.modules()]
        if any(isinstance(layer, _BatchNorm | _DropoutNd) for layer in layers):
            return []
        state.rng.manual_seed(seed)
        with suppress(_UpdatedError):
            state.game.step(state.batches.next, 0, 0.0)
    updated = step.call_args.args[0].parameters if step.called else []
    return [each.grad.flatten() for each in updated if each.grad is not None]


@contextmanager
def _prepared(algorithm: Algorithm, options: Options, **changes: Any) -> Iterator[TrainingState]:
    """Build an algorithm's game, with changes to the spec's ``training``."""
    with _spec(algorithm, options) as spec:
        assert spec is not None  # only other families may have no run
        training = spec.training.model_copy(update=changes)
        changed = spec.model_copy(update={"training": training})
        state = prepare(changed, spec.check(), torch.device("cpu")).state
        try:
            yield state
        finally:
            state.batches.close()


def _weights(network: nn.Module) -> list[torch.Tensor]:
    return [each.detach().clone() for each in network.parameters() if each.requires_grad]
