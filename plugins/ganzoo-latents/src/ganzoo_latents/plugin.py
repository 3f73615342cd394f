"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return the commands that look at latents."""
    cli = "ganzoo_latents.cli"
    yield Command("traverse", f"{cli}.paths:traverse", "Vary one latent coordinate at a time.")
    yield Command("interpolate", f"{cli}.paths:interpolate", "Interpolate between latents.")
    yield Command("analyze", f"{cli}.analyze:analyze", "Measure what latents do.")
    yield Command("invert", f"{cli}.invert:invert", "Find the latent of a given picture.")
