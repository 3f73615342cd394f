"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganzoo import Command, hookimpl
from ganzoo.errors import RunError, did_you_mean

MODELS = Path(__file__).parent / "models"

PREFIX = "model"


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return ``ganzoo models``."""
    yield Command("models", "ganzoo_models.cli:models", "List trained generators that came along.")


@hookimpl
def ganzoo_run_named(name: str) -> Path | None:
    """Return the model folder of ``model:NAME``."""
    prefix, _, short = name.partition(":")
    if prefix != PREFIX:
        return None
    known = model_names()
    if short not in known:
        hint = f"{did_you_mean(short, known)} (available: {', '.join(known)})"
        raise RunError(f"{name}: no model has this name{hint}")
    return MODELS / short


def model_names() -> list[str]:
    """Return the names of all models."""
    return sorted(path.parent.name for path in MODELS.glob("*/spec.json"))
