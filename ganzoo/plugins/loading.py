"""The plugins of a process: loaded one by one, each on its own.

pluggy's own entry-point loader aborts on the first failing import and names nobody, so this one loads
what ``discovery`` found itself: in the order of distribution names, leaving out what was disabled before
importing it, and turning each failure into one warning that says whose it is.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import metadata, resources
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy

from ganzoo import hookspecs
from ganzoo.components.registry import Provider, Registry
from ganzoo.errors import PluginError, PluginWarning, did_you_mean
from ganzoo.hookspecs import PROJECT, Command
from ganzoo.plugins.discovery import CORE, Found, find_plugins
from ganzoo.plugins.isolation import Overheard, cause_of, innermost, isolated
from ganzoo.plugins.offers import (
    as_list,
    check_hooks,
    check_plugin,
    import_plugin,
    take_commands,
    take_components,
    take_recipes,
)
from ganzoo.plugins.records import PluginRecord, Recipe
from ganzoo.plugins.selection import Selection

Offer = TypeVar("Offer")


class Plugins:
    """All that was found, and the registry made of it."""

    def __init__(self, selection: Selection | None = None) -> None:
        self.selection = selection or Selection()
        self.registry = Registry()
        self.records: list[PluginRecord] = []
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self._owners: dict[str, Provider] = {}

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

    # Loading.

    def load_core(self) -> None:
        """Register the core's own components, through the same hooks as everyone's."""
        record = PluginRecord(CORE, metadata.version(CORE), "ganzoo.builtin")
        self.records.append(record)
        self._load(record, lambda: importlib.import_module(record.module))

    def load_installed(self) -> None:
        """Load every installed plugin that the selection allows."""
        found = find_plugins()
        packages = [
            (
                each.point.value.partition(":")[0].partition(".")[0],
                Provider(each.name, each.version),
            )
            for each in found
            if each.point is not None
        ]
        shared = Counter(package for package, _ in packages)
        self._owners = {package: owner for package, owner in packages if shared[package] == 1}
        for each in found:
            self._load_found(each)
        known = [each.name for each in found]
        for name in sorted(self.selection.named.difference(known)):
            _warn(f"no plugin is called {name!r}{did_you_mean(name, known)}")

    def _load_found(self, found: Found) -> None:
        """Load one plugin, if it is wanted and can be."""
        point = found.point
        record = PluginRecord(found.name, found.version, "" if point is None else point.value)
        self.records.append(record)
        record.cause = self.selection.refusal(found.name)
        if record.cause is not None:
            record.status = "disabled"
            return
        if point is None or found.fault is not None:
            self._fail(record, PluginError(found.fault))
            return
        self._load(record, lambda: import_plugin(point))
        for remark in found.remarks:
            self.complain(record, remark)

    def _load(self, record: PluginRecord, import_it: Callable[[], object]) -> None:
        """Import one plugin and take in what it offers, or leave it out as a whole."""
        overheard = Overheard()
        began = time.perf_counter()
        try:
            self._register(record, import_it, overheard)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._fail(record, error)
        finally:
            record.seconds = time.perf_counter() - began
        for entry in record.components:
            self.registry.add(entry)
        for fault in overheard.faults:
            self.complain(record, fault)
        for warning in overheard.warnings:
            record.remarks.append(warning)
            _warn(f"plugin {record.provider}: {warning}")

    def _register(
        self, record: PluginRecord, import_it: Callable[[], object], overheard: Overheard
    ) -> None:
        """Import one plugin, and ask it for all that it offers."""
        with isolated(f"importing {record.module}", overheard):
            plugin = import_it()
            record.hooks = check_plugin(plugin)
            for other, loaded in self.manager.list_name_plugin():
                if loaded is not plugin:
                    continue
                raise PluginError(f"{record.module} is what the plugin {other} loads, too")
        self.manager.register(plugin, name=record.name)
        try:
            record.components = self._ask(
                record,
                "ganzoo_components",
                lambda given: take_components(given, record, self.registry, self._owners),
                overheard,
            )
            record.recipes = self._ask(
                record, "ganzoo_recipes", lambda given: take_recipes(given, record), overheard
            )
            record.commands = self._ask(record, "ganzoo_commands", take_commands, overheard)
        except BaseException:
            self.manager.unregister(plugin)
            raise

    def _ask(
        self,
        record: PluginRecord,
        hook: str,
        take: Callable[[list[Any]], list[Offer]],
        overheard: Overheard,
    ) -> list[Offer]:
        """Call one hook of one plugin, and check what it gives."""
        given: list[Any] = []
        with isolated(f"in hook {hook}", overheard):
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == record.name:
                    given += as_list(implementation.function())
            return take(given)

    def _fail(self, record: PluginRecord, error: BaseException) -> None:
        """Leave a plugin out as a whole."""
        record.status, record.error, record.cause = "failed", error, cause_of(error)
        record.hooks, record.components, record.recipes, record.commands = [], [], [], []
        message = f"plugin {record.provider} was left out: {record.cause}"
        if self.selection.strict:
            raise PluginError(message) from error
        _warn(message)

    def complain(self, record: PluginRecord, remark: str) -> None:
        """Say that a plugin does something wrong that does not keep it from being used.

        Raises:
            PluginError: plugins are strict.
        """
        if remark in record.remarks:
            return
        record.remarks.append(remark)
        message = f"plugin {record.provider}: {remark}"
        if self.selection.strict:
            raise PluginError(message)
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

    # The life of a run.

    @contextmanager
    def listening(self, *listeners: object) -> Iterator[None]:
        """Let objects with hook implementations take part in the life of a run, as plugins do.

        Raises:
            AttributeError: one implements a hook that does not exist, or takes arguments it has not.
        """
        with ExitStack() as registered:
            for listener in listeners:
                try:
                    check_hooks(listener)
                except PluginError as error:
                    raise AttributeError(str(error)) from None
                self.manager.register(listener)
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
            wanted = {name: _read_only(arguments[name]) for name in implementation.argnames}
            record = self._record_of(implementation)
            overheard = Overheard()
            try:
                if record is None:
                    implementation.function(**wanted)
                else:
                    with isolated(f"in {event}", overheard, noted=False):
                        implementation.function(**wanted)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if record is None and not isinstance(error, Exception):
                    raise  # a program may end itself in its own listener
                who = (
                    f"listener {type(implementation.plugin).__name__}"
                    if record is None
                    else f"plugin {record.provider}"
                )
                message = f"{who} failed in {event}: {cause_of(error)}"
                if self.selection.strict:
                    raise PluginError(message) from error
                _warn(message)
            if record is not None:
                for fault in overheard.faults:
                    self.complain(record, fault)
                for warning in overheard.warnings:
                    _warn(f"plugin {record.provider}: {warning}")

    def _record_of(self, implementation: pluggy.HookImpl) -> PluginRecord | None:
        for record in self.records:
            if record.name == implementation.plugin_name:
                return record
        return None


def _read_only(argument: Any) -> Any:
    """Return an argument as all listeners may see it: none can change it for the next."""
    return MappingProxyType(dict(argument)) if isinstance(argument, Mapping) else argument


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)


_loading: set[int] = set()
"""Threads that are loading plugins."""


@functools.cache
def installed() -> Plugins:
    """Return the plugins of this process, loading them on the first call.

    Raises:
        ganzoo.errors.PluginError: a plugin failed and ``GANZOO_STRICT_PLUGINS`` is set; or a plugin
            asked for this while it was imported.
    """
    thread = threading.get_ident()
    if thread in _loading:
        raise PluginError("no component can be looked up while plugins are being loaded")
    _loading.add(thread)
    try:
        plugins = Plugins(Selection.from_environment(os.environ))
        plugins.load_core()
        plugins.load_installed()
        plugins.know_others()
    finally:
        _loading.remove(thread)
    return plugins


def culprit_of(error: BaseException) -> Provider | None:
    """Return the plugin whose code raised an exception, or None where no loaded one did."""
    if not installed.cache_info().currsize:
        return None
    active = [each for each in installed().records if each.status == "active" and each.name != CORE]
    packages = Counter(record.package for record in active)
    # A package that several share names none of them.
    providers = {each.package: each.provider for each in active if packages[each.package] == 1}
    return providers.get(innermost(error, {*packages, CORE}) or "")
