"""The formulas of penalties: ``(LossInputs) -> scalar``, for samples of any shape."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

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


class LeCam(nn.Module):
    """Mean (D(x) - a_fake)² + mean (D(G(z)) - a_real)², a being moving means of logits.

    Tseng et al. 2021, section 3.3. As in the authors' code, the means count the present batch and begin
    without bias towards 0. One-sided: mean max(0, D(x) - a_fake)² + mean max(0, a_real - D(G(z)))².

    Args:
        decay: fraction of the means that each use keeps.
        one_sided: whether logits beyond the other side's mean cost nothing.
    """

    means: torch.Tensor
    uses: torch.Tensor

    def __init__(self, decay: float, *, one_sided: bool) -> None:
        super().__init__()
        self.decay, self.one_sided = decay, one_sided
        self.register_buffer("means", torch.zeros(2))
        self.register_buffer("uses", torch.zeros((), dtype=torch.int64))

    def forward(self, inputs: LossInputs) -> torch.Tensor:
        """Move the means, and return the penalty."""
        assert inputs.real_output is not None  # the discriminator's side has both
        real, fake = inputs.real_output.logits, inputs.fake_output.logits
        with torch.no_grad():
            self.means.lerp_(torch.stack([real.mean(), fake.mean()]).to(self.means), 1 - self.decay)
            self.uses += 1
            a_real, a_fake = self.means / (1 - self.means.new_tensor(self.decay) ** self.uses)
        excess = real - a_fake, a_real - fake
        if self.one_sided:
            excess = F.relu(excess[0]), F.relu(excess[1])
        penalty: torch.Tensor = excess[0].square().mean() + excess[1].square().mean()
        return penalty


def balanced_consistency(
    inputs: LossInputs,
    *,
    change: Callable[[torch.Tensor, torch.Generator], torch.Tensor],
    fake_weight: float,
) -> torch.Tensor:
    """Mean (D(x) - D(T(x)))² + fake_weight · mean (D(G(z)) - D(T(G(z))))².

    Zhao et al. 2020, bCR; without the second term CR of Zhang et al. 2020.
    """
    assert inputs.real_output is not None  # the discriminator's side has both

    def inconsistency(samples: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        changed = inputs.discriminator(change(samples, inputs.rng)).logits
        return (logits - changed).square().mean()

    penalty = inconsistency(inputs.real, inputs.real_output.logits)
    if fake_weight:
        penalty = penalty + fake_weight * inconsistency(inputs.fake, inputs.fake_output.logits)
    return penalty


def latent_consistency(
    inputs: LossInputs, *, noise: float, discriminator_weight: float, generator_weight: float
) -> torch.Tensor:
    """Return a term of each side, of samples of nearby latents T(z) = z + noise · n, n ~ N(0, 1).

    Discriminator: mean (D(G(z)) - D(G(T(z))))². Generator: -mean (G(z) - G(T(z)))², over all values
    of the samples. Zhao et al. 2020, zCR.
    """
    assert inputs.latents is not None  # checked before
    assert inputs.generator is not None  # as above
    latents, rng = inputs.latents, inputs.rng
    drawn = torch.randn(latents.shape, generator=rng, device=rng.device).to(latents)
    on_discriminator = inputs.side == "discriminator"
    with torch.set_grad_enabled(not on_discriminator):
        nearby = inputs.generator(latents + noise * drawn, inputs.condition).to(inputs.fake)
    if not on_discriminator:
        return -generator_weight * (inputs.fake - nearby).square().mean()
    logits = inputs.discriminator(nearby).logits
    return discriminator_weight * (inputs.fake_output.logits - logits).square().mean()


def _uniform_for_each_sample(inputs: LossInputs) -> torch.Tensor:
    """Draw U[0, 1) of shape (N, 1, …), to be broadcast over samples."""
    real = inputs.real
    shape = (len(real), *[1] * (real.ndim - 1))
    return torch.rand(shape, generator=inputs.rng, device=real.device, dtype=real.dtype)


def _norms(gradients: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean norm of each gradient (N, values), (N,); its own gradient at 0 is 0."""
    norms: torch.Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return norms
