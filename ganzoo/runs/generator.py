"""The file that a run is sampled from: weights, with all that is needed to build the networks again."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from ganzoo.components import DatasetInfo
from ganzoo.errors import CheckpointError, GanzooWarning, RunError, in_a_line
from ganzoo.runs.changes import spec_changes
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.runs.directory import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.utils.tensors import read_safetensors, tensors_under, to_safetensors, weights_hash

if TYPE_CHECKING:
    from ganzoo.sampling import Sampler

Weights = Literal["ema", "raw"]

WITHOUT_EFFECT = frozenset(
    (
        "callbacks",
        "dataset",
        "description",
        "device",
        "evaluation",
        "initialize_from",
        "name",
        "output",
        "requires",
        "seed",
        "watchdog",
    )
)
"""Sections of a spec that do not change what weights that are trained already generate."""


def to_file(sampler: Sampler, spec: RunSpec, info: DatasetInfo, step: int) -> bytes:
    """Serialize the weights of a sampler, with what is needed to build it again."""
    header = {"step": step, "spec": spec.to_json(), "info": info.to_json()}
    return to_safetensors(sampler.state_dict(), header)


def saved_step(run: RunDirectory) -> int | None:
    """Return the step of the generator that a run has saved, or None if it has none that is whole."""
    try:
        step: int = read_safetensors(run.generator_path)[0]["step"]
    except (CheckpointError, LookupError, TypeError):
        return None
    return step


@dataclass(frozen=True)
class LoadedSampler:
    """A sampler as it was at some step of its training, in evaluation mode and on the CPU.

    It comes with the data set it was trained on, the kind of its weights (``ema`` for averaged ones,
    ``raw`` for those of the step itself), and their hash, by name and content.
    """

    sampler: Sampler
    info: DatasetInfo
    step: int
    weights: Weights
    sha256: str


def load_sampler(
    run: RunDirectory,
    step: int | None = None,
    weights: Weights | None = None,
    *,
    truncation: float | None = None,
) -> LoadedSampler:
    """Return the sampler of a run. The data set is not needed.

    Args:
        run: the run.
        step: one whose checkpoint was kept, or None for the last one saved.
        weights: ``ema`` for the averaged weights, ``raw`` for those of the step itself; None for the
            averaged ones where the run keeps an average.
        truncation: how much of the distribution of latents is kept, or None for all of it.

    Raises:
        RunError: the run has not saved such a generator, its latents cannot be truncated so, or the file
            does not fit the spec.
    """
    path = run.generator_path
    if not path.is_file():
        raise RunError(
            f"{run.path}: has no generator.safetensors yet; 'ganzoo resume {run.path}' trains on, or"
            " writes it again"
        )
    try:
        header, tensors = read_safetensors(path)
    except CheckpointError as error:
        raise RunError(f"{error}; 'ganzoo resume {run.path}' writes it again") from None
    try:
        spec = _trained_spec(run, header["spec"])
        kept: Weights = "raw" if spec.training.ema is None else "ema"
        weights = weights or kept
        if weights == "ema" and kept == "raw":
            reason = "keeps no averaged weights (training.ema is null); ask for raw"
            raise RunError(f"{run.path}: {reason}")
        info = DatasetInfo.from_json(header["info"])
        if step not in {None, header["step"]} or weights != kept:
            step = run.kept_step(step)
            checkpoint = Checkpoint.load(run.checkpoint_path(step))
            tensors = _from_checkpoint(checkpoint, weights)
        run.warn_of_other_plugins(*WITHOUT_EFFECT)
        sampler = _build(spec, info, truncation)
        for dtype in {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}:
            sampler.to(dtype)
        sampler.load_state_dict(tensors)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        message = f"does not fit the networks that its spec describes: {in_a_line(error)}"
        raise RunError(f"{path}: {message}") from None
    return LoadedSampler(
        sampler.eval().requires_grad_(False),
        info,
        header["step"] if step is None else step,
        weights,
        weights_hash(tensors),
    )


def _trained_spec(run: RunDirectory, saved: dict[str, Any]) -> RunSpec:
    """Return the spec that weights belong to: the run's, unless that was edited since."""
    changes = spec_changes(saved, run.spec.to_json())
    words = "; ".join(
        change
        for path, change in changes.items()
        if path != "training.duration" and path.partition(".")[0] not in WITHOUT_EFFECT
    )
    if not words:
        return run.spec
    warnings.warn(
        f"{run.spec_path} was edited since the weights were saved ({words}); they are used as they"
        " were trained",
        GanzooWarning,
        stacklevel=3,
    )
    return run.parsed_spec(saved, run.generator_path)


def _build(spec: RunSpec, info: DatasetInfo, truncation: float | None) -> Sampler:
    """Build a sampler; fresh weights are drawn, and replaced at once."""
    algorithm = spec.algorithm
    if truncation is not None:
        try:
            algorithm = algorithm.truncated(truncation)
        except ValueError as error:
            raise RunError(f"truncation: {error}") from None
    with torch.random.fork_rng(devices=[]):
        return algorithm.build_sampler(info)


def _from_checkpoint(checkpoint: Checkpoint, weights: Weights) -> dict[str, torch.Tensor]:
    """Return the state of a sampler as a checkpoint holds it: averaged, or as parts of the networks."""
    tensors = checkpoint.tensors
    if weights == "ema":
        return tensors_under(tensors, "average")
    places = checkpoint.values.get("sampler")
    if places is None:  # ganzoo 0.1 had a generator and a latent, and nothing else
        places = {
            name.removeprefix("networks/").replace("/", "."): name
            for name in tensors
            if name.startswith(("networks/generator/", "networks/latent/"))
        }
    return {name: tensors[place] for name, place in places.items()}
