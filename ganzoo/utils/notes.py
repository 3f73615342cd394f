"""Warnings that are given once, however often their reason is met."""

from __future__ import annotations

import warnings

from ganzoo.errors import DataWarning

_given: set[str] = set()


def note(message: str) -> None:
    """Give a ``DataWarning``, unless this process has given the same one before."""
    if message not in _given:
        _given.add(message)
        warnings.warn(message, DataWarning, stacklevel=2)
