"""What the checks of the kit say of a component that was broken on purpose."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from ganzoo.components import Component
from ganzoo.testing import NonConformance, checks_of, registered
from ganzoo.testing.faults import name_of_check

SLOW = {"compile", "training"}

Findings = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def findings() -> Findings:
    """Return ``(component, expected) -> {check: sentence}``: all checks that fail.

    Those that take long run only where they are expected to fail.
    """

    def find(component: Component, expected: str) -> dict[str, str]:
        found = {}
        with registered(type(component)):
            for check in checks_of(type(component)):
                name = name_of_check(check)
                if name in SLOW and name != expected:
                    continue
                options = {}
                if "sample_shapes" in inspect.signature(check).parameters:
                    options["sample_shapes"] = ((1, 8, 8), (2,))
                try:
                    check(component, **options)
                except NonConformance as error:
                    found[name] = str(error)
        return found

    return find
