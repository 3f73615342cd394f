"""Where Trackio is not installed, or nobody asked for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ganzoo_trackio import plugin

from ganzoo.runs import RunDirectory


def test_a_missing_library_is_named_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_TRACKIO", "1")
    for name in [each for each in sys.modules if each.startswith("trackio.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "trackio", None)
    monkeypatch.delitem(sys.modules, "ganzoo_trackio.tracking", raising=False)
    with pytest.raises(RuntimeError, match=r"Trackio is not installed; .* pip install trackio"):
        plugin.ganzoo_run_started(RunDirectory(tmp_path), step=0, total_steps=1)


def test_another_value_is_refused_with_those_that_would_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_TRACKIO", "logs")
    with pytest.raises(ValueError, match="GANZOO_TRACKIO must be 1 or 0, not 'logs'"):
        plugin.ganzoo_run_started(RunDirectory(tmp_path), step=0, total_steps=1)
