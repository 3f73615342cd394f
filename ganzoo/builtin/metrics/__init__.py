"""The metrics of the core. Modules are read without numpy or torch, which their functions import."""

from __future__ import annotations

from ganzoo.builtin.metrics import classes, frechet, kernel, neighbours
from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = (
    frechet.FrechetDistance,
    frechet.FrechetInceptionDistance,
    frechet.FrechetDistanceInfinity,
    frechet.FIDInfinity,
    kernel.KernelDistance,
    kernel.KernelInceptionDistance,
    neighbours.PRDC,
    classes.ClassifierScore,
    classes.InceptionScore,
    classes.ClassBalance,
    classes.ClassAgreement,
    neighbours.Memorization,
)
