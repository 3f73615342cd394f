"""Data sets the core reads: arrays, folders of images, and torchvision's sets by name."""

from __future__ import annotations

from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = ()
