"""Checks of latents."""

from __future__ import annotations

import torch

from ganzoo.components import Latent
from ganzoo.testing.faults import check, require

MANY = 64
"""Latents in a draw of which not all are alike, even where there are few values, as of classes."""


@check
def check_output(latent: Latent) -> None:
    """Draws have the shape (n, dim), are float32 and finite, and are not all the same."""
    sampler = latent.build()
    for n in (1, 7, MANY):
        drawn = sampler(n, torch.Generator().manual_seed(0))
        require(
            tuple(drawn.shape) == (n, latent.dim),
            f"{n} latents have shape {tuple(drawn.shape)}; it must be ({n}, {latent.dim}), n and"
            " 'dim'",
        )
        require(drawn.dtype == torch.float32, f"latents are {drawn.dtype}; they must be float32")
        require(drawn.isfinite().all(), "latents are not finite; they must be")
        require(
            n < MANY or len(drawn.unique(dim=0)) > 1,
            "latents of one draw are equal; each must be drawn anew",
        )


@check
def check_rng(latent: Latent) -> None:
    """Draws follow from the generator that is handed over, and from nothing else."""
    sampler = latent.build()

    def draw(seed: int, elsewhere: int) -> torch.Tensor:
        torch.manual_seed(elsewhere)
        drawn: torch.Tensor = sampler(MANY, torch.Generator().manual_seed(seed))
        return drawn

    require(
        torch.equal(draw(0, 0), draw(0, 1)),
        "the same state of 'rng' gives different latents; all that is random must come from it",
    )
    require(
        not torch.equal(draw(0, 0), draw(1, 0)),
        "another state of 'rng' gives the same latents; they must be drawn from it",
    )


@check
def check_truncation(latent: Latent) -> None:
    """``truncated`` gives the same distribution made no wider, or refuses with a reason."""
    try:
        truncated = latent.truncated(0.5)
    except ValueError as error:
        require(str(error), "'truncated' refuses without a message; it must say why")
        return
    require(
        truncated.dim == latent.dim,
        f"'truncated' gives {truncated.dim} coordinates; they must stay {latent.dim}",
    )
    whole, part = latent.build(), truncated.build()
    part.load_state_dict(whole.state_dict())
    spreads = [each(512, torch.Generator().manual_seed(0)).std().item() for each in (whole, part)]
    require(
        spreads[1] <= spreads[0] * 1.01,
        f"truncated by 0.5 the deviation rises from {spreads[0]:.3g} to {spreads[1]:.3g}; it must"
        " not",
    )
