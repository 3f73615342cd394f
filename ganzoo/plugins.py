"""Finding, loading, isolating and naming plugins.

pluggy's own entry-point loader aborts on the first failing import and names nobody, so this one
walks ``importlib.metadata`` itself: in the order of distribution names, leaving out what was disabled
before importing it, and turning each failure into one warning that says whose it is.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal, TypeVar

import pluggy
from packaging.utils import canonicalize_name

from ganzoo import hookspecs
from ganzoo.components import Component
from ganzoo.errors import PluginError, PluginWarning, did_you_mean
from ganzoo.hookspecs import PROJECT, Command
from ganzoo.registry import Entry, Provider, Registry

GROUP = "ganzoo"
"""The entry-point group."""

Offer = TypeVar("Offer")

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
        name: name of its distribution, in lower case and with hyphens.
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
    names = text.replace(";", ",").split(",")
    return frozenset(canonicalize_name(name.strip()) for name in names if name.strip())


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
        found = [
            (PluginRecord(canonicalize_name(each.dist.name), each.dist.version, each.value), each)
            for each in metadata.entry_points(group=GROUP)
            if each.dist is not None
        ]
        found.sort(key=lambda pair: (pair[0].name, pair[1].name))
        for record, point in found:
            self.records.append(record)
            record.cause = self.selection.refusal(record.name)
            if record.cause is not None:
                record.status = "disabled"
                continue
            self._register(record, point.load)
        known = [record.name for record, _ in found]
        for name in sorted(self.selection.disabled | (self.selection.only or frozenset())):
            if name not in known:
                _warn(f"no plugin is called {name!r}{did_you_mean(name, known)}")

    def _register(self, record: PluginRecord, load: Callable[[], Any]) -> None:
        """Import one plugin and take in what it offers, or leave it out as a whole."""
        began = time.perf_counter()
        try:
            module = load()
            record.seconds = time.perf_counter() - began
            if self.manager.has_plugin(record.name):
                raise ValueError(f"{record.name} has a second entry point in the group {GROUP!r}")
            _refuse_unknown_hooks(module)
            self.manager.register(module, name=record.name)
            try:
                self._take_in(record)
            except Exception:
                self.manager.unregister(module)
                raise
        except Exception as error:
            self._fail(record, error)
            return
        for entry in record.components:
            self.registry.add(entry)

    def _take_in(self, record: PluginRecord) -> None:
        """Ask one plugin for all that it offers."""
        record.components = self._offers(record, "ganzoo_components", self._entry)
        names = [(entry.family, entry.name) for entry in record.components]
        for family, name in names:
            if names.count((family, name)) > 1:
                raise ValueError(f"it brings two of the family {family} called {name!r}")
        record.recipes = self._offers(record, "ganzoo_recipes", _recipe)
        record.commands = self._offers(record, "ganzoo_commands", _command)

    def _offers(
        self, record: PluginRecord, hook: str, check: Callable[[PluginRecord, Any], Offer]
    ) -> list[Offer]:
        """Call one hook of one plugin, and check each thing it gives."""
        try:
            return [
                check(record, offer)
                for implementation in getattr(self.manager.hook, hook).get_hookimpls()
                if implementation.plugin_name == record.name
                for offer in implementation.function()
            ]
        except Exception as error:
            error.add_note(f"in hook {hook}")
            raise

    def _entry(self, record: PluginRecord, component: Any) -> Entry:
        if not (isinstance(component, type) and issubclass(component, Component)):
            raise TypeError(f"{component!r} is no component class")
        if component.is_family() or "family" not in dir(component):
            raise TypeError(f"{component.__name__} is a family, not a member of one")
        name = component.model_fields["type"].default
        if not isinstance(name, str):
            raise TypeError(f"{component.__name__} has no default for its 'type'")
        if component.__abstractmethods__:
            missing = ", ".join(sorted(component.__abstractmethods__))
            raise TypeError(f"{component.__name__} does not implement {missing}")
        reserved = {
            entry.name
            for entry in self.registry.entries(component.family)
            if entry.provider.name == CORE
        }
        if name in reserved:
            raise ValueError(f"the name {name!r} of its {component.family} is the core's own")
        return Entry(component.family, name, component, record.provider)

    def _fail(self, record: PluginRecord, error: Exception) -> None:
        record.status = "failed"
        record.components, record.recipes, record.commands = [], [], []
        record.cause = _in_a_line(error)
        message = f"plugin {record.name} {record.version} was left out: {record.cause}"
        if self.selection.strict:
            raise PluginError(message) from error
        _warn(message)

    def know_others(self) -> None:
        """Learn which packages bring names that are not there, to say so in errors."""
        text = resources.files("ganzoo").joinpath("known_components.json").read_text("utf-8")
        known: dict[str, dict[str, list[str]]] = json.loads(text)
        why = {"active": "does not offer it", "disabled": "is disabled", "failed": "failed to load"}
        reasons = {record.name: why[record.status] for record in self.records}
        for distribution, families in known.items():
            reason = reasons.get(distribution, "is not installed")
            for family, names in families.items():
                for name in names:
                    self.registry.know_elsewhere(family, name, distribution, reason)

    @contextmanager
    def listening(self, *listeners: object) -> Iterator[None]:
        """Let objects with hook implementations take part in the life of a run, as plugins do.

        Raises:
            AttributeError: one implements a hook that does not exist, or takes arguments it has not.
        """
        with ExitStack() as registered:
            for listener in listeners:
                _refuse_unknown_hooks(listener)
                try:
                    self.manager.register(listener)
                except pluggy.PluginValidationError as error:
                    raise AttributeError(str(error)) from None
                registered.callback(self.manager.unregister, listener)
            yield

    def announce(self, event: str, **arguments: Any) -> None:
        """Tell all plugins and listeners of an event in the life of a run.

        Each is called on its own, so that an exception in one is a warning and stops no other.

        Args:
            event: name of the hook, such as ``ganzoo_step_finished``.
            arguments: the hook's arguments.
        """
        # Pluggy keeps implementations in the reverse order of calling.
        for implementation in reversed(getattr(self.manager.hook, event).get_hookimpls()):
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except Exception as error:
                who = self._title(implementation)
                message = f"{who} failed in {event}: {_in_a_line(error)}"
                if self.selection.strict:
                    raise PluginError(message) from error
                _warn(message)

    def _title(self, implementation: pluggy.HookImpl) -> str:
        for record in self.records:
            if record.name == implementation.plugin_name:
                return f"plugin {record.provider}"
        return f"listener {type(implementation.plugin).__name__}"


def _in_a_line(error: Exception) -> str:
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return " ".join(f"{type(error).__name__}: {error}{notes}".split())


def _recipe(record: PluginRecord, path: Any) -> Recipe:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return Recipe(Path(path).stem, Path(path), record.provider)


def _command(record: PluginRecord, command: Any) -> Command:
    del record
    if not isinstance(command, Command):
        raise TypeError(f"{command!r} is no ganzoo.Command")
    return command


def _refuse_unknown_hooks(plugin: object) -> None:
    """Refuse a hook implementation of a hook that does not exist: a misspelt one, most likely."""
    known = [name for name in vars(hookspecs) if name.startswith("ganzoo_")]
    for attribute in dir(plugin):
        options = getattr(inspect.getattr_static(plugin, attribute, None), f"{PROJECT}_impl", None)
        if options is None:
            continue
        name = options["specname"] or attribute
        if name not in known:
            raise AttributeError(f"there is no hook {name!r}{did_you_mean(name, known)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise TypeError(f"{name}: wrappers of hooks are not supported")


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
