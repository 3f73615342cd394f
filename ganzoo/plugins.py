"""Finding, loading, isolating and naming plugins.

pluggy's own entry-point loader aborts on the first failing import and names nobody, so this one
walks ``importlib.metadata`` itself: in the order of distribution names, leaving out what was disabled
before importing it, and turning each failure into one warning that says whose it is.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal

import pluggy

from ganzoo import hookspecs
from ganzoo.components import Component
from ganzoo.errors import PluginError, PluginWarning, did_you_mean
from ganzoo.hookspecs import PROJECT, Command
from ganzoo.registry import Entry, Provider, Registry

GROUP = "ganzoo"
"""The entry-point group."""

CORE = "ganzoo"
"""The distribution whose component names are reserved."""


@dataclass(frozen=True)
class Recipe:
    """A spec that a plugin ships under a name."""

    name: str
    path: Path
    provider: Provider

    def read(self) -> dict[str, Any]:
        """Return the spec as it stands in the file."""
        data: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return data


@dataclass
class PluginRecord:
    """What became of one installed plugin.

    Attributes:
        name: name of its distribution.
        version: version of its distribution.
        module: the module its entry point names.
        status: ``active``, ``disabled`` or ``failed``.
        cause: why it failed or was disabled.
        seconds: time its import took.
    """

    name: str
    version: str
    module: str
    status: Literal["active", "disabled", "failed"] = "active"
    cause: str | None = None
    seconds: float = 0.0
    components: list[Entry] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        """The plugin as the origin of components."""
        return Provider(self.name, self.version)


@dataclass(frozen=True)
class Selection:
    """Which plugins may be imported.

    Attributes:
        only: names of the only distributions to load, or None for all.
        disabled: names of distributions to leave out.
        strict: whether a failed plugin is fatal.
    """

    only: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Selection:
        """Read ``GANZOO_PLUGINS``, ``GANZOO_DISABLE_PLUGINS`` and ``GANZOO_STRICT_PLUGINS``."""
        only = environment.get("GANZOO_PLUGINS")
        return cls(
            only=None if only is None else _names(only),
            disabled=_names(environment.get("GANZOO_DISABLE_PLUGINS", "")),
            strict=environment.get("GANZOO_STRICT_PLUGINS", "") not in {"", "0"},
        )

    def refusal(self, name: str) -> str | None:
        """Say why a distribution is not to be loaded, or None where it is."""
        if name in self.disabled:
            return "disabled"
        if self.only is not None and name not in self.only:
            return "not in GANZOO_PLUGINS"
        return None


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.replace(";", ",").split(",") if name.strip())


class Plugins:
    """All that was found, and the registry made of it."""

    def __init__(self, selection: Selection | None = None) -> None:
        self.selection = selection or Selection()
        self.registry = Registry()
        self.records: list[PluginRecord] = []
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)

    @property
    def recipes(self) -> dict[str, list[Recipe]]:
        """All recipes by name; more than one under a name makes the name ambiguous."""
        found: dict[str, list[Recipe]] = {}
        for record in self.records:
            for recipe in record.recipes:
                found.setdefault(recipe.name, []).append(recipe)
        return dict(sorted(found.items()))

    @property
    def commands(self) -> Iterator[tuple[PluginRecord, Command]]:
        """All commands that plugins add, each with the plugin."""
        for record in self.records:
            for command in record.commands:
                yield record, command

    def load_core(self) -> None:
        """Register the core's own components, through the same hooks as everyone's."""
        record = PluginRecord(CORE, metadata.version(CORE), "ganzoo.builtin")
        self.records.append(record)
        self._register(record, lambda: importlib.import_module("ganzoo.builtin"))

    def load_installed(self) -> None:
        """Load every installed plugin that the selection allows."""
        points = [point for point in metadata.entry_points(group=GROUP) if point.dist is not None]
        points.sort(key=lambda point: (point.dist.name, point.name) if point.dist else ("", ""))
        for point in points:
            if point.dist is None:
                continue
            record = PluginRecord(point.dist.name, point.dist.version, point.value)
            self.records.append(record)
            record.cause = self.selection.refusal(record.name)
            if record.cause is not None:
                record.status = "disabled"
                continue
            self._register(record, point.load)
        known = [record.name for record in self.records]
        for name in sorted(self.selection.disabled | (self.selection.only or frozenset())):
            if name not in known:
                _warn(f"no plugin is called {name!r}{did_you_mean(name, known)}")

    def _register(self, record: PluginRecord, load: Callable[[], Any]) -> None:
        """Import one plugin and take in what it offers, or leave it out as a whole."""
        began = time.perf_counter()
        try:
            module = load()
            record.seconds = time.perf_counter() - began
            _refuse_unknown_hooks(module)
            self.manager.register(module, name=record.name)
            record.components = [
                self._entry(record, component)
                for component in self._offers(record, "ganzoo_components")
            ]
            record.recipes = [
                Recipe(Path(path).stem, Path(path), record.provider)
                for path in self._offers(record, "ganzoo_recipes")
            ]
            record.commands = list(self._offers(record, "ganzoo_commands"))
        except Exception as error:
            self._fail(record, error)
            return
        for entry in record.components:
            self.registry.add(entry)

    def _entry(self, record: PluginRecord, component: Any) -> Entry:
        if not (isinstance(component, type) and issubclass(component, Component)):
            raise TypeError(f"ganzoo_components gave {component!r}, which is no component class")
        if component.is_family() or "family" not in dir(component):
            raise TypeError(f"{component.__name__} is a family, not a member of one")
        name = component.model_fields["type"].default
        if not isinstance(name, str):
            raise TypeError(f"{component.__name__} has no default for its 'type'")
        reserved = {
            entry.name
            for entry in self.registry.entries(component.family)
            if entry.provider.name == CORE
        }
        if name in reserved:
            raise ValueError(f"the name {name!r} of its {component.family} is the core's own")
        return Entry(component.family, name, component, record.provider)

    def _offers(self, record: PluginRecord, hook: str) -> Iterable[Any]:
        """Call one hook of one plugin."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == record.name:
                try:
                    yield from implementation.function()
                except Exception as error:
                    error.add_note(f"in hook {hook}")
                    raise

    def _fail(self, record: PluginRecord, error: Exception) -> None:
        record.status = "failed"
        record.components, record.recipes, record.commands = [], [], []
        if self.manager.has_plugin(record.name):
            self.manager.unregister(name=record.name)
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        record.cause = f"{type(error).__name__}: {error}{notes}".replace("\n", " ")
        message = f"plugin {record.name} {record.version} was left out: {record.cause}"
        if self.selection.strict:
            raise PluginError(message) from error
        _warn(message)

    def know_others(self) -> None:
        """Learn which packages bring names that are not installed, to say so in errors."""
        text = resources.files("ganzoo").joinpath("known_components.json").read_text("utf-8")
        known: dict[str, dict[str, list[str]]] = json.loads(text)
        for distribution, families in known.items():
            for family, names in families.items():
                for name in names:
                    self.registry.know_elsewhere(family, name, distribution)

    @contextmanager
    def listening(self, *listeners: object) -> Iterator[None]:
        """Let objects with hook implementations take part in the life of a run, as plugins do."""
        names = [self.manager.register(listener) for listener in listeners]
        try:
            yield
        finally:
            for name in names:
                self.manager.unregister(name=name)

    def announce(self, event: str, **arguments: Any) -> None:
        """Tell all plugins and listeners of an event in the life of a run.

        Each is called on its own, so that an exception in one is a warning and stops no other.

        Args:
            event: name of the hook, such as ``ganzoo_step_finished``.
            arguments: the hook's arguments.
        """
        for implementation in getattr(self.manager.hook, event).get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except Exception as error:
                message = (
                    f"plugin {implementation.plugin_name} failed in {event}:"
                    f" {type(error).__name__}: {error}"
                )
                if self.selection.strict:
                    raise PluginError(message) from error
                _warn(message)


def _refuse_unknown_hooks(module: object) -> None:
    """Refuse a module that implements a hook which does not exist: a misspelt one, most likely."""
    known = [name for name in vars(hookspecs) if name.startswith("ganzoo_")]
    for name, value in vars(module).items():
        if name not in known and getattr(value, f"{PROJECT}_impl", None) is not None:
            raise AttributeError(f"there is no hook {name!r}{did_you_mean(name, known)}")


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)


@functools.cache
def installed() -> Plugins:
    """Return the plugins of this process, loading them on the first call.

    Raises:
        ganzoo.errors.PluginError: a plugin failed and ``GANZOO_STRICT_PLUGINS`` is set.
    """
    plugins = Plugins(Selection.from_environment(os.environ))
    plugins.load_core()
    plugins.load_installed()
    plugins.know_others()
    return plugins
