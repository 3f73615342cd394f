"""Plugins: what is installed and wanted, what each provides, and loading them.

The modules are ``discovery``, ``local``, ``offers`` and ``manager``, in this order.
"""

from __future__ import annotations

from ganzoo.plugins.discovery import CORE, GROUP, Selection, known_packages
from ganzoo.plugins.local import LocalPlugin, read_local, trust, trusted_copy
from ganzoo.plugins.manager import Plugins, culprit_of, installed
from ganzoo.plugins.offers import PluginRecord, Recipe

__all__ = [
    "CORE",
    "GROUP",
    "LocalPlugin",
    "PluginRecord",
    "Plugins",
    "Recipe",
    "Selection",
    "culprit_of",
    "installed",
    "known_packages",
    "read_local",
    "trust",
    "trusted_copy",
]
