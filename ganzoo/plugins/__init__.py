"""Finding, choosing, loading and isolating plugins.

========== =========================================================================
discovery  what is installed, read from metadata; nothing is imported
selection  which of it is wanted
isolation  running a plugin's code so that it spoils nothing else
offers     what a plugin offers, checked before anyone uses it
loading    all of it in turn, and the plugins of this process
records    what became of each plugin
========== =========================================================================
"""

from __future__ import annotations

from ganzoo.plugins.discovery import CORE, GROUP
from ganzoo.plugins.loading import Plugins, culprit_of, installed
from ganzoo.plugins.records import PluginRecord, Recipe
from ganzoo.plugins.selection import Selection

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
