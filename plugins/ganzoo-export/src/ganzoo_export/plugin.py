"""The plugin."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Return the commands that pass generators on."""
    yield Command(
        "export", "ganzoo_export.cli:export", "Write a generator as ONNX or model folder."
    )
    yield Command(
        "push", "ganzoo_export.cli:push", "Upload a model folder to the Hugging Face hub."
    )
    yield Command("pull", "ganzoo_export.cli:pull", "Download a model folder from the hub.")
