"""The metrics of the core. Modules are read without numpy or torch, which their functions import."""

from __future__ import annotations

from ganzoo.builtin.metrics import classes, frechet, kernel, memorization, modes, prdc
from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = (
    *frechet.COMPONENTS,
    *kernel.COMPONENTS,
    prdc.PRDC,
    modes.Modes,
    *classes.COMPONENTS,
    memorization.Memorization,
)
