"""The formulas of gradient penalties: ``(LossInputs) -> scalar``, for samples of any shape."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from ganzoo.components import LossInputs


def gradient_penalty(inputs: LossInputs, *, target: float, one_sided: bool) -> torch.Tensor:
    """Mean (‖∇D(x̂)‖ - target)² at x̂ = ε·x + (1 - ε)·G(z), ε ~ U[0, 1) for each sample.

    Gulrajani et al. 2017, eq. 3. One-sided: mean max(0, ‖∇D(x̂)‖ - target)², Petzka et al. 2018.
    """
    mixed = torch.lerp(inputs.fake, inputs.real, _uniform_for_each_sample(inputs))
    excess = _norms(inputs.gradient_at(mixed)) - target
    return (F.relu(excess) if one_sided else excess).square().mean()


def dragan(inputs: LossInputs, *, target: float, noise: float) -> torch.Tensor:
    """Mean (‖∇D(x̂)‖ - target)² at x̂ = x + ε·noise·std(x)·u.

    u ~ U[0, 1) for each value, ε ~ U[0, 1) for each sample, and std is that of all values in
    the batch: as in the code of Kodali et al. 2017.
    """
    real = inputs.real
    uniform = torch.rand(real.shape, generator=inputs.rng, device=real.device, dtype=real.dtype)
    change = noise * real.std(correction=0) * uniform
    nearby = real + _uniform_for_each_sample(inputs) * change
    return (_norms(inputs.gradient_at(nearby)) - target).square().mean()


def r1(inputs: LossInputs) -> torch.Tensor:
    """½ mean ‖∇D(x)‖². Mescheder et al. 2018, eq. 9, without gamma."""
    return inputs.real_gradient.square().sum(dim=1).mean() / 2


def r2(inputs: LossInputs) -> torch.Tensor:
    """½ mean ‖∇D(G(z))‖². Mescheder et al. 2018, eq. 10, without gamma."""
    return inputs.fake_gradient.square().sum(dim=1).mean() / 2


def _uniform_for_each_sample(inputs: LossInputs) -> torch.Tensor:
    """Draw U[0, 1) of shape (N, 1, …), to be broadcast over samples."""
    real = inputs.real
    shape = (len(real), *[1] * (real.ndim - 1))
    return torch.rand(shape, generator=inputs.rng, device=real.device, dtype=real.dtype)


def _norms(gradients: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean norm of each gradient (N, values), (N,); its own gradient at 0 is 0."""
    norms: torch.Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return norms
