"""What this package offers to ganzoo."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import hookimpl
from ganzoo.components import Component
from ganzoo_stylegan.components import PathLength, StyleGAN2Discriminator, StyleGAN2Generator


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return both networks and the regularizer."""
    return (StyleGAN2Generator, StyleGAN2Discriminator, PathLength)
