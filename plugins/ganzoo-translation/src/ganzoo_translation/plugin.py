"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import Command, hookimpl
from ganzoo.components import Component
from ganzoo_translation.algorithms import CUT, CycleGAN, Pix2Pix
from ganzoo_translation.components import PatchGAN, ResNetTranslator, UNet
from ganzoo_translation.digits import DigitDomains


@hookimpl
def ganzoo_components() -> Iterable[type[Component]]:
    """Return the algorithms, their networks, and a data set to try them on."""
    return [Pix2Pix, CycleGAN, CUT, UNet, ResNetTranslator, PatchGAN, DigitDomains]


@hookimpl
def ganzoo_recipes() -> Iterable[Path]:
    """Return the recipes."""
    return sorted(Path(__file__).parent.joinpath("recipes").glob("*.json"))


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo translate``."""
    yield Command("translate", "ganzoo_translation.cli:translate", "Translate pictures.")
