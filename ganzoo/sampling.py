"""Samples from a trained generator, each determined by the seed and its index alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ganzoo.components import DatasetInfo
from ganzoo.errors import RunError
from ganzoo.runs import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.utils.seeds import derive_seed

BLOCK = 64
"""Latents are drawn in blocks of this size, each from a seed of its own."""


def draw_latents(
    latent: nn.Module, indices: range, seed: int, device: torch.device | None = None
) -> torch.Tensor:
    """Return the latents numbered ``indices.start`` to ``indices.stop - 1`` of a seed.

    A latent depends on the seed and its index, not on how many are drawn at once or on the device.

    Args:
        latent: a sampler, on the CPU.
        indices: which latents, with step 1.
        seed: the user's seed.
        device: where they are to be, or None for the CPU.

    Returns:
        (len(indices), dim) on the device.
    """
    if not indices:
        return draw_latents(latent, range(1), seed, device)[:0]
    blocks = range(indices.start // BLOCK, (indices.stop - 1) // BLOCK + 1)
    drawn = torch.cat([_draw_block(latent, seed, block) for block in blocks])
    begin = blocks.start * BLOCK
    return drawn[indices.start - begin : indices.stop - begin].to(device)


@torch.no_grad()
def _draw_block(latent: nn.Module, seed: int, block: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(derive_seed(seed, "latents", block))
    drawn: torch.Tensor = latent(BLOCK, rng)
    return drawn


@torch.no_grad()
def generate(
    generator: nn.Module,
    latents: torch.Tensor,
    labels: torch.Tensor | None,
) -> Iterator[torch.Tensor]:
    """Yield samples on the CPU as float32, block after block.

    Blocks are filled up to one size, so that a sample is the same to the last bit however many are
    made with it.

    Args:
        generator: in evaluation mode.
        latents: (N, dim), on any device.
        labels: (N,) int64, or None.
    """
    like = next(generator.parameters(), torch.empty(0))
    for begin in range(0, len(latents), BLOCK):
        # The last block repeats its last latent; what is made of it is cut off again.
        block = torch.arange(begin, begin + BLOCK).clamp(max=len(latents) - 1)
        z = latents[block].to(like.device, like.dtype)
        made = generator(z, None if labels is None else labels[block].to(like.device))
        yield made[: len(latents) - begin].to("cpu", torch.float32)


class TrainedGenerator(nn.Module):
    """A generator together with the distribution of its latents: what a run's weights file holds."""

    def __init__(self, generator: nn.Module, latent: nn.Module) -> None:
        super().__init__()
        self.generator, self.latent = generator, latent

    @classmethod
    def build(cls, spec: RunSpec, info: DatasetInfo) -> TrainedGenerator:
        """Build both with fresh weights, on the CPU."""
        generator = spec.generator.build(spec.latent.dim, info.sample_shape, spec.num_classes(info))
        return cls(generator, spec.latent.build())

    def to_file(self, spec: RunSpec, info: DatasetInfo, step: int) -> bytes:
        """Serialize the weights with all that is needed to build the networks again."""
        header = {"step": step, "spec": spec.to_json(), "info": asdict(info)}
        return to_safetensors(self.state_dict(), {"ganzoo": json.dumps(header)})


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator as it was at some step of its training.

    Attributes:
        network: in evaluation mode, on the CPU.
        info: what it makes.
        step: steps it was trained for.
        weights: ``ema`` for averaged weights, ``raw`` for those of the step itself.
        sha256: hash of the weights, by name and content.
    """

    network: TrainedGenerator
    info: DatasetInfo
    step: int
    weights: Literal["ema", "raw"]
    sha256: str


def load_generator(
    run: RunDirectory, step: int | None = None, weights: Literal["ema", "raw"] | None = None
) -> LoadedGenerator:
    """Return a generator of a run. The data set is not needed.

    Args:
        run: the run.
        step: of which step; it must be one whose checkpoint was kept. None for the last one saved.
        weights: ``ema`` for the averaged weights, ``raw`` for those of the step itself; None for the
            averaged ones where the run keeps an average.

    Raises:
        RunError: the run has saved no such generator, or the file does not fit the spec.
    """
    path = run.generator_path
    if not path.is_file():
        raise RunError(f"{run.path}: has no generator.safetensors yet; resume it to train on")
    kept: Literal["ema", "raw"] = "raw" if run.spec.training.ema is None else "ema"
    weights = weights or kept
    if weights == "ema" and kept == "raw":
        raise RunError(f"{run.path}: keeps no averaged weights (training.ema is null); ask for raw")
    try:
        header, tensors = _read(path)
        if step not in {None, header["step"]} or weights != kept:
            step = _kept_step(run, step)
            tensors = _generator_tensors(_read(run.checkpoint_path(step))[1], weights)
        # JSON has lists where the description has tuples.
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in header["info"].items()
        }
        info = DatasetInfo(**fields)
        with torch.random.fork_rng(devices=[]):  # fresh weights are drawn, and replaced at once
            network = TrainedGenerator.build(run.spec, info)
        for dtype in {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}:
            network.to(dtype)
        network.load_state_dict(tensors)
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path}: does not fit the run's spec.json: {error}") from None
    return LoadedGenerator(
        network.eval().requires_grad_(False),
        info,
        header["step"] if step is None else step,
        weights,
        weights_hash(tensors),
    )


def truncated(network: TrainedGenerator, spec: RunSpec, threshold: float) -> TrainedGenerator:
    """Return the same generator, its distribution of latents cut off (see ``Latent.truncated``).

    Raises:
        RunError: these latents cannot be truncated so.
    """
    try:
        latent = spec.latent.truncated(threshold).build()
        latent.load_state_dict(network.latent.state_dict())
    except (ValueError, RuntimeError) as error:
        raise RunError(f"truncation: {error}") from None
    return TrainedGenerator(network.generator, latent.eval())


def _kept_step(run: RunDirectory, step: int | None) -> int:
    """Return a step whose checkpoint is there: the one asked for, or the newest."""
    kept = run.checkpoint_steps()
    if step is None and kept:
        return kept[0]
    if step is None or step not in kept:
        known = ", ".join(map(str, sorted(kept))) or "none"
        which = "any step" if step is None else f"step {step}"
        raise RunError(f"{run.path}: has no checkpoint of {which} (there is: {known})")
    return step


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the header and the tensors of a generator or of a checkpoint."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["ganzoo"])
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def _generator_tensors(
    checkpoint: Mapping[str, torch.Tensor], weights: Literal["ema", "raw"]
) -> dict[str, torch.Tensor]:
    """Return what of a checkpoint belongs to the generator and its latent."""
    starts = (
        {"average/": ""}
        if weights == "ema"
        else {"networks/generator/": "generator.", "networks/latent/": "latent."}
    )
    return {
        name.replace(start, put, 1): tensor
        for start, put in starts.items()
        for name, tensor in checkpoint.items()
        if name.startswith(start)
    }


def weights_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of weights: of their names, shapes, types and numbers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def to_safetensors(tensors: Mapping[str, torch.Tensor], header: Mapping[str, str]) -> bytes:
    """Serialize tensors from any device and in any memory format."""
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return save(plain, metadata=dict(header))
