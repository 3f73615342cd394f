"""The grids of samples that a run draws of itself, from the same inputs throughout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ganzoo.components import DatasetInfo
from ganzoo.data.split import Split, as_tensor
from ganzoo.sampling import Inputs, Sampler, generate, latent_inputs, source_inputs
from ganzoo.spec import RunSpec
from ganzoo.utils.images import save_image
from ganzoo.utils.seeds import derive_seed
from ganzoo.visual.grids import sample_picture, whole_rows


def save_sample_grid(
    sampler: Sampler, spec: RunSpec, info: DatasetInfo, split: Split, path: Path
) -> None:
    """Draw samples from latents, conditions or sources that are the same throughout the run.

    Samples of several classes have a column for each. Translated samples stand beside their sources
    and, in paired data sets, their targets.

    Args:
        sampler: what generates them; it is left as it is.
        spec: the run.
        info: the description of the data set.
        split: the split trained on.
        path: the PNG to write.
    """
    ready = sampler.ready()
    inputs = fixed_inputs(ready, split, spec.output.samples, spec.seed)
    samples = torch.cat(list(generate(ready, inputs))).numpy()
    if inputs.source is not None and _are_alike(inputs.source.shape, samples.shape):
        beside = [inputs.source.numpy(), samples]
        if split.paired:
            rows = _fixed_sources(split, len(samples), spec.seed)
            targets = as_tensor(split.samples[rows])
            beside.append(info.samples.decode(targets, torch.float32).numpy())
        channels = max(each.shape[1] for each in beside)
        shape = (len(samples), channels, *samples.shape[2:])
        tiles = np.stack([np.broadcast_to(each, shape) for each in beside], axis=1)
        columns = len(beside) * max(1, round(len(inputs) ** 0.5 / len(beside)))
        picture = info.samples.preview(tiles.reshape(-1, *shape[1:]), columns=columns)
    else:
        told = info.classes if inputs.source is None and inputs.condition is not None else None
        names = told.display_names if told else ()
        if info.samples.kind == "images":
            samples = samples[: whole_rows(len(samples), names)]
        picture = sample_picture(info.samples, samples, names)
    save_image(picture, path)


def save_real_grid(spec: RunSpec, split: Split, path: Path) -> None:
    """Draw real samples, to compare with."""
    rng = torch.Generator().manual_seed(derive_seed(spec.seed, "real samples"))
    chosen = torch.randperm(len(split), generator=rng)[: spec.output.samples]
    save_image(split.space.preview(split.samples[chosen.numpy()]), path)


def fixed_inputs(sampler: Sampler, split: Split, count: int, seed: int) -> Inputs:
    """Return what the first samples of a run's grids are generated from."""
    if not sampler.translates:
        return latent_inputs(sampler, range(count), derive_seed(seed, "fixed latents"))
    if split.source is None:
        raise ValueError("the data set has no sources to translate from")
    return source_inputs(sampler, split, _fixed_sources(split, count, seed))


def _fixed_sources(split: Split, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the numbers of the sources in grids; of pairs, they are those of the targets, too."""
    assert split.source is not None
    rng = torch.Generator().manual_seed(derive_seed(seed, "fixed sources"))
    rows: npt.NDArray[np.int64] = torch.randperm(len(split.source), generator=rng)[:count].numpy()
    return rows


def _are_alike(source: Sequence[int], sample: Sequence[int]) -> bool:
    """Return whether sources can stand beside samples: of one shape, or one grey and one in colour."""
    if len(source) == 4 and {source[1], sample[1]} == {1, 3}:
        return source[2:] == sample[2:]
    return source == sample
