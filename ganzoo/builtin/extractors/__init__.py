"""The feature extractors of the core. Modules are read without torch, which ``build`` imports."""

from __future__ import annotations

from ganzoo.builtin.extractors.inception import Inception
from ganzoo.builtin.extractors.small import Identity, Pixels, RandomConv
from ganzoo.builtin.extractors.torchvision_classifier import TorchvisionClassifier
from ganzoo.components import Component

COMPONENTS: tuple[type[Component], ...] = (
    Inception,
    TorchvisionClassifier,
    RandomConv,
    Pixels,
    Identity,
)
