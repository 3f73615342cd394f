"""Fixtures for tests that read data: a cache of their own, and writers of true files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that only this test uses; it does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GANZOO_CACHE", str(folder))
    return folder
