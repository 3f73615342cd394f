"""What a plugin provides, checked before anything uses it.

Each check returns what ganzoo keeps, or raises ``PluginError`` with a clause that says what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ganzoo.components import Component
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.errors import PluginError
from ganzoo.hookspecs import Command
from ganzoo.plugins.discovery import CORE

OFFERS = (
    "ganzoo_components",
    "ganzoo_recipes",
    "ganzoo_commands",
    "ganzoo_spec_for",
    "ganzoo_run_named",
)
"""The hooks of what a plugin offers; the others are called in the life of a run."""


@dataclass(frozen=True)
class Recipe:
    """A spec that a plugin ships under a name."""

    name: str
    path: Path
    provider: Provider

    def read(self) -> dict[str, Any]:
        """Return the spec as the file has it."""
        data: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8-sig"))
        return data

    @property
    def description(self) -> str:
        """The description in the spec."""
        text = self.read().get("description", "")
        return text if isinstance(text, str) else ""


@dataclass
class PluginRecord:
    """What became of one plugin, and what it provides: nothing unless it is active."""

    name: str  # normalized name of its distribution; the stem of a local file
    version: str  # ``unknown`` where its metadata are damaged, ``local`` of a local file
    module: str  # what its entry point names: a module, or an object in one
    status: Literal["active", "disabled", "failed"] = "active"
    cause: str | None = None  # why it failed or was disabled, in one line
    error: BaseException | None = None  # what it failed with, for its traceback
    remarks: list[str] = field(default_factory=list)  # what was wrong and did not stop it
    seconds: float = 0.0  # to import it and call its hooks
    hooks: list[str] = field(default_factory=list)  # names of those it implements
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


def check_components(
    classes: Iterable[Any], provider: Provider, registry: Registry, owners: Mapping[str, Provider]
) -> list[Entry]:
    """Return component classes of a plugin as entries for the registry.

    ``owners`` has the plugin that each top-level package belongs to.
    """
    entries = []
    for component in classes:
        name = _check_class(component)
        # By the module it is from, not by who was first: the plugin that defines it must not suffer.
        owner = owners.get(component.__module__.partition(".")[0], provider)
        if owner != provider:
            raise PluginError(f"{component.__name__} is a component of {owner}")
        for entry in registry.entries(component.family):
            if entry.provider.name == CORE and entry.name == name:
                raise PluginError(f"the name {name!r} of its {component.family} is the core's own")
            if entry.component is component:
                raise PluginError(f"{component.__name__} is a component of {entry.provider}")
        entries.append(Entry(component.family, name, component, provider))
    _check_unique(f"{entry.family} {entry.name!r}" for entry in entries)
    return entries


def _check_class(component: Any) -> str:
    """Return the name of a component class that can be used."""
    if not (isinstance(component, type) and issubclass(component, Component)):
        raise PluginError(f"{component!r} is not a component class")
    title = component.__name__
    if component.is_family() or "family" not in dir(component):
        raise PluginError(f"{title} is a family, not a member of one")
    name = component.model_fields["type"].default
    if not isinstance(name, str):
        raise PluginError(f"{title} has no default for its 'type'")
    if re.fullmatch(r"[^\s:]+", name) is None:
        raise PluginError(f"{title} is called {name!r}; a name has no spaces and no colon")
    if component.__abstractmethods__:
        missing = ", ".join(sorted(component.__abstractmethods__))
        raise PluginError(f"{title} does not implement {missing}")
    if not isinstance(component.paper, str | None):
        raise PluginError(f"the paper of {title} must be a string, not {component.paper!r}")
    return name


def check_recipes(paths: Iterable[Any], provider: Provider) -> list[Recipe]:
    """Return JSON files as recipes."""
    recipes = []
    for path in paths:
        if not isinstance(path, str | Path):
            raise PluginError(f"{path!r} is not the path of a recipe")
        recipe = Recipe(Path(path).stem, Path(path), provider)
        if not recipe.path.is_file():
            raise PluginError(f"its recipe {path} is not a file")
        try:
            data = recipe.read()
        except json.JSONDecodeError as error:
            where = f"{error.msg} at line {error.lineno}, column {error.colno}"
            raise PluginError(f"its recipe {path} is not JSON: {where}") from error
        except UnicodeDecodeError as error:
            raise PluginError(f"its recipe {path} is not JSON: it is not UTF-8") from error
        if not isinstance(data, dict):
            raise PluginError(f"its recipe {path} is not a spec: expected a JSON object")
        recipes.append(recipe)
    _check_unique(f"recipe {recipe.name!r}" for recipe in recipes)
    return recipes


def check_commands(commands: Iterable[Any]) -> list[Command]:
    """Return commands that can be typed and found."""
    checked: list[Command] = []
    for command in commands:
        if not isinstance(command, Command):
            raise PluginError(f"{command!r} is not a ganzoo.Command")
        name, target = command.name, command.target
        if not isinstance(name, str) or not re.fullmatch(r"[^\s-]\S*( [^\s-]\S*)*", name):
            raise PluginError(f"a command is called {name!r}; expected words such as 'plot losses'")
        if not isinstance(target, str) or not re.fullmatch(r"[\w.]+:\w+", target):
            what = f"the target {target!r}; expected 'package.module:attribute'"
            raise PluginError(f"the command {name!r} has {what}")
        if not isinstance(command.help, str):
            raise PluginError(f"the help of the command {name!r} must be a string")
        checked.append(command)
    _check_unique(f"command {command.name!r}" for command in checked)
    for command in checked:
        if any(other.name.startswith(f"{command.name} ") for other in checked):
            raise PluginError(f"{command.name!r} is both a command and a group of commands")
    return checked


def _check_unique(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise PluginError(f"it provides the {name} twice")
        seen.add(name)
