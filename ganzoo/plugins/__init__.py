"""Plugins: what is installed and wanted, what each provides, and loading them.

The modules are ``discovery``, ``offers`` and ``manager``, in this order.
"""

from __future__ import annotations

from ganzoo.plugins.discovery import CORE, GROUP, Selection
from ganzoo.plugins.manager import Plugins, culprit_of, installed
from ganzoo.plugins.offers import PluginRecord, Recipe

__all__ = [
    "CORE",
    "GROUP",
    "PluginRecord",
    "Plugins",
    "Recipe",
    "Selection",
    "culprit_of",
    "installed",
]
