"""What became of each plugin, and what it offers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganzoo.components.registry import Entry, Provider
from ganzoo.hookspecs import Command


@dataclass(frozen=True)
class Recipe:
    """A spec that a plugin ships under a name."""

    name: str
    path: Path
    provider: Provider

    def read(self) -> dict[str, Any]:
        """Return the spec as it stands in the file."""
        data: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8-sig"))
        return data

    @property
    def description(self) -> str:
        """What the spec says of itself."""
        text = self.read().get("description", "")
        return text if isinstance(text, str) else ""


@dataclass
class PluginRecord:
    """What became of one installed plugin.

    Attributes:
        name: name of its distribution, in lower case and with hyphens.
        version: version of its distribution; ``unknown`` where its metadata are damaged.
        module: what its entry point names: a module, or an object in one.
        status: ``active``, ``disabled`` or ``failed``.
        cause: why it failed or was disabled, in a line.
        error: the exception it failed with, for its traceback.
        remarks: what was wrong and did not stop it, a line each.
        seconds: time that importing it and asking what it offers took.
        hooks: names of the hooks it implements.
        components: the components it brings; empty unless it is active, as all that follow.
        recipes: the recipes it ships.
        commands: the commands it adds.
    """

    name: str
    version: str
    module: str
    status: Literal["active", "disabled", "failed"] = "active"
    cause: str | None = None
    error: BaseException | None = None
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    hooks: list[str] = field(default_factory=list)
    components: list[Entry] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        """The plugin as the origin of components."""
        return Provider(self.name, self.version)

    @property
    def package(self) -> str:
        """The top-level package its code is in."""
        return self.module.partition(":")[0].partition(".")[0].strip()
