"""The metrics of the core, as specs name them; each computation is in a module of its own.

Specs are read from ``distance``, ``classes``, ``coverage`` and ``copying``, without torch. What these
build is in ``frechet``, ``kernel``, ``classifier``, ``balance``, ``prdc``, ``modes`` and
``memorization``.
"""

from __future__ import annotations

from ganzoo.builtin.metrics import classes, copying, coverage, distance
from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = (
    *distance.COMPONENTS,
    *coverage.COMPONENTS,
    *classes.COMPONENTS,
    *copying.COMPONENTS,
)
