"""The metrics of the core, as specs name them; each computation is in a module of its own."""

from __future__ import annotations

from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = ()
"""The core's own components, registered through the same hooks as everyone's."""
