"""The file that a run is sampled from: weights, with all that is needed to build the networks again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError

from ganzoo.components import DatasetInfo
from ganzoo.errors import RunError
from ganzoo.runs.directory import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.utils.tensors import read_safetensors, tensors_under, to_safetensors, weights_hash

if TYPE_CHECKING:
    from ganzoo.sampling import Sampler

Weights = Literal["ema", "raw"]


def to_file(sampler: Sampler, spec: RunSpec, info: DatasetInfo, step: int) -> bytes:
    """Serialize the weights of a sampler, with what is needed to build it again."""
    header = {"step": step, "spec": spec.to_json(), "info": info.to_json()}
    return to_safetensors(sampler.state_dict(), {"ganzoo": json.dumps(header)})


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
        raise RunError(f"{run.path}: has no generator.safetensors yet; resume it to train on")
    kept: Weights = "raw" if run.spec.training.ema is None else "ema"
    weights = weights or kept
    if weights == "ema" and kept == "raw":
        raise RunError(f"{run.path}: keeps no averaged weights (training.ema is null); ask for raw")
    try:
        header, tensors = read_safetensors(path)
        info = DatasetInfo.from_json(header["info"])
        sampler = _build(run.spec, info, truncation)
        if step not in {None, header["step"]} or weights != kept:
            step = run.kept_step(step)
            tensors = _from_checkpoint(*read_safetensors(run.checkpoint_path(step)), weights)
        for dtype in {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}:
            sampler.to(dtype)
        sampler.load_state_dict(tensors)
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path}: does not fit the run's spec.json: {error}") from None
    return LoadedSampler(
        sampler.eval().requires_grad_(False),
        info,
        header["step"] if step is None else step,
        weights,
        weights_hash(tensors),
    )


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


def _from_checkpoint(
    header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], weights: Weights
) -> dict[str, torch.Tensor]:
    """Return the state of a sampler as a checkpoint holds it: averaged, or as parts of the networks."""
    if weights == "ema":
        return tensors_under(tensors, "average")
    places = header["values"].get("sampler")
    if places is None:  # ganzoo 0.1 had a generator and a latent, and nothing else
        places = {
            name.removeprefix("networks/").replace("/", "."): name
            for name in tensors
            if name.startswith(("networks/generator/", "networks/latent/"))
        }
    return {name: tensors[place] for name, place in places.items()}
