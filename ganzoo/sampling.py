"""Samples from a trained generator, each determined by the seed and its index alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ganzoo.components import DatasetInfo
from ganzoo.errors import RunError
from ganzoo.runs import RunDirectory
from ganzoo.seeds import derive_seed
from ganzoo.spec import RunSpec

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


def load_generator(run: RunDirectory) -> tuple[TrainedGenerator, DatasetInfo]:
    """Return the trained generator of a run, in evaluation mode on the CPU, and what it makes.

    The data set itself is not needed.

    Raises:
        RunError: the run has not saved one yet, or the file does not fit the spec.
    """
    path = run.generator_path
    if not path.is_file():
        raise RunError(f"{run.path}: has no generator.safetensors yet; resume it to train on")
    try:
        with safe_open(path, framework="pt") as file:
            stored = json.loads(file.metadata()["ganzoo"])["info"]
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        # JSON has lists where the description has tuples.
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
        }
        info = DatasetInfo(**fields)
        network = TrainedGenerator.build(run.spec, info)
        for dtype in {weight.dtype for weight in weights.values() if weight.is_floating_point()}:
            network.to(dtype)
        network.load_state_dict(weights)
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path}: does not fit the run's spec.json: {error}") from None
    return network.eval().requires_grad_(False), info


def to_safetensors(tensors: Mapping[str, torch.Tensor], header: Mapping[str, str]) -> bytes:
    """Serialize tensors from any device and in any memory format."""
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return save(plain, metadata=dict(header))
