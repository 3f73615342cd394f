"""Fixtures of the core's tests, and what checks say of a component that was broken on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fixtures import cache_directory, install, load_plugins, program
from ganzoo_devkit.testing import NonConformance, Options, checks_of
from ganzoo_devkit.testing.checks import name_of_check
from ganzoo_devkit.testing.conformance import conditional_checks_of
from ganzoo_devkit.testing.networks import conditional_form

from ganzoo.components import Component, Network

__all__ = ["cache_directory", "install", "load_plugins", "program"]

SLOW = {"compile", "training", "unused", "accumulation"}
OPTIONS = Options(((1, 8, 8), (2,)))

Findings = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def findings() -> Findings:
    """Return ``(component, expected) -> {check: sentence}``: all checks that fail.

    Those that take long run only where they are expected to fail. Those of the conditional form are
    ``conditional-…``, and run only where the same check of the component itself succeeds.
    """

    def find(component: Component, expected: str) -> dict[str, str]:
        found: dict[str, str] = {}
        run(component, checks_of(type(component)), expected, found)
        passed = [
            each
            for each in conditional_checks_of(type(component))
            if name_of_check(each) not in found
        ]
        if isinstance(component, Network) and passed:
            run(conditional_form(component), passed, expected, found, "conditional-")
        return found

    def run(component, checks, expected, found, prefix=""):
        for check in checks:
            name = prefix + name_of_check(check)
            if name in SLOW and name != expected:
                continue
            try:
                check(component, OPTIONS)
            except NonConformance as error:
                found[name] = str(error)

    return find
