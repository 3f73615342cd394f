"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo data``."""
    yield Command("data", "ganzoo_inspect.cli:data", "Say what a folder of images holds.")


@hookimpl
def ganzoo_spec_for(path: Path) -> Mapping[str, Any]:
    """Propose a spec for images."""
    from ganzoo_inspect.proposal import propose_spec

    return propose_spec(path)
