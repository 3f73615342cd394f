"""The core's own components, registered through the same hooks as everyone's."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.builtin import (
    datasets,
    extractors,
    gan,
    latents,
    losses,
    metrics,
    normalizations,
    optimizers,
    schedules,
    watchdog,
)
from ganzoo.components import Component
from ganzoo.hookspecs import hookimpl


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the core's components; it has no network."""
    for module in (
        gan,
        datasets,
        extractors,
        latents,
        losses,
        metrics,
        normalizations,
        optimizers,
        schedules,
        watchdog,
    ):
        yield from module.COMPONENTS
