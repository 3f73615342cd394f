"""The conformance kit: what the author of a plugin checks it with, in one line.

A test module with ::

    from ganzoo_devkit.testing import conformance

    test_conformance = conformance("ganzoo-sphere")

runs every check for every component, recipe and command of the distribution ``ganzoo-sphere``. The
checks are functions ``check_…(component)`` in the modules of this package, and can be called one by
one. They raise ``NonConformance``, an ``AssertionError`` whose message is one sentence.
"""

from __future__ import annotations

from ganzoo_devkit.testing import data, modules, objectives, specs, steering  # noqa: F401 - for their checks
from ganzoo_devkit.testing.checks import SAMPLE_SHAPES, NonConformance, Options
from ganzoo_devkit.testing.conformance import FromFiles, checks_of, conformance, default_example
from ganzoo_devkit.testing.trials import registered, tiny_dataset

__all__ = [
    "SAMPLE_SHAPES",
    "FromFiles",
    "NonConformance",
    "Options",
    "checks_of",
    "conformance",
    "default_example",
    "registered",
    "tiny_dataset",
]
