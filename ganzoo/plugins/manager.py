"""The plugins of a process: loaded one by one, each on its own.

pluggy's own entry-point loader aborts on the first failing import and names nobody. This one loads what
``discovery`` found in the order of distribution names, does not import what is disabled, and turns each
failure into one warning that names the plugin.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from importlib import metadata
from pathlib import Path
from types import FunctionType, MappingProxyType
from typing import Any

import pluggy

from ganzoo import hookspecs
from ganzoo.components.registry import Provider, Registry
from ganzoo.errors import PluginError, PluginWarning, did_you_mean, in_a_line
from ganzoo.hookspecs import PROJECT, Command
from ganzoo.plugins.discovery import CORE, Selection, find_plugins, known_packages
from ganzoo.plugins.local import LocalPlugin, forget_modules, import_local, read_local
from ganzoo.plugins.offers import (
    PluginRecord,
    Recipe,
    check_commands,
    check_components,
    check_recipes,
)

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(f"{PROJECT}_"))

LOCAL = "local"  # the version of a local plugin


class Plugins:
    """All plugins found, and the registry of what they provide."""

    def __init__(self, selection: Selection | None = None) -> None:
        self.selection = selection or Selection()
        self.registry = Registry()
        self.records: list[PluginRecord] = []
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.local: dict[str, LocalPlugin] = {}  # loaded now, by name
        self.asked_for: list[str] = []  # those that the selection names
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
        """Register the core's own components, through the same hooks as all others."""
        record = PluginRecord(CORE, metadata.version(CORE), "ganzoo.builtin")
        self._load(record, lambda: importlib.import_module(record.module))

    def load_installed(self) -> None:
        """Load every installed plugin that the selection allows."""
        found = find_plugins()
        records = [
            PluginRecord(each.name, each.version, each.point.value if each.point else "")
            for each in found
        ]
        self._owners = _owners_of_packages(records)
        for each, record in zip(found, records, strict=True):
            record.cause = self.selection.refusal(each.name)
            if record.cause is not None:
                record.status = "disabled"
                self.records.append(record)
            elif each.point is None or each.fault is not None:
                self.records.append(record)
                self._leave_out(record, PluginError(each.fault))
            else:
                self._load(record, each.point.load)
                for remark in each.remarks:
                    self.warn(record, remark)
        known = [each.name for each in found]
        for name in sorted(self.selection.named.difference(known)):
            _warn(f"no plugin is called {name!r}{did_you_mean(name, known)}")

    def load_file(self, path: Path | str) -> None:
        """Load a local plugin that the selection names, or that a program asks for.

        Raises:
            PluginError: it cannot be loaded, whether or not plugins are strict: it was asked for.
        """
        try:
            plugin = read_local(Path(path))
            if plugin.name in self.local:
                raise PluginError(f"a plugin called {plugin.name!r} is loaded; rename the file")
            self.load_local(plugin, plugin.path)
        except PluginError as error:
            raise PluginError(f"{path}: {error}") from error.__cause__
        self.asked_for.append(plugin.name)

    def load_local(self, plugin: LocalPlugin, path: Path) -> LocalPlugin:
        """Load a local plugin from a path; its version is ``local``. Do nothing if it is loaded.

        It replaces one of the same name with other content.

        Raises:
            PluginError: it cannot be loaded.
        """
        name, loaded = plugin.name, self.local.get(plugin.name)
        if loaded is not None and loaded.sha256 == plugin.sha256:
            return loaded
        if name in self.asked_for:
            raise PluginError(
                f"--plugin has loaded a plugin {name!r} with other content; leave the option out"
            )
        if loaded is not None:
            self._unload(name)
        record = PluginRecord(name, LOCAL, name)
        if any(each.name == name for each in self.records):
            raise PluginError(f"a plugin called {name!r} is loaded; rename the file")
        self._load(record, lambda: import_local(plugin, path))
        if record.error is not None:
            self.records.remove(record)
            raise PluginError(record.cause) from record.error
        self.local[name] = plugin
        return plugin

    def _unload(self, name: str) -> None:
        """Forget a local plugin; what was built with it goes on working."""
        (record,) = (each for each in self.records if each.name == name)
        self.records.remove(record)
        self.manager.unregister(name=name)
        for entry in record.components:
            self.registry.remove(entry)
        forget_modules(self.local.pop(name))

    def _load(self, record: PluginRecord, import_it: Callable[[], object]) -> None:
        """Import one plugin and keep what it provides, or leave it out as a whole."""
        self.records.append(record)
        began, had_torch = time.perf_counter(), "torch" in sys.modules
        provider, registry, owners = record.provider, self.registry, self._owners
        try:
            with _isolated(f"importing {record.module}"):
                record.hooks = self._register(import_it(), record.name)
            with self._offered(record, "ganzoo_components") as classes:
                record.components = check_components(classes, provider, registry, owners)
            with self._offered(record, "ganzoo_recipes") as paths:
                record.recipes = check_recipes(paths, provider)
            with self._offered(record, "ganzoo_commands") as commands:
                record.commands = check_commands(commands)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._leave_out(record, error)
        finally:
            record.seconds = time.perf_counter() - began
        for entry in record.components:
            registry.add(entry)
        if "torch" in sys.modules and not had_torch:
            self.warn(
                record,
                "it imports torch while it is loaded, which makes every command slow to start;"
                " import torch where a component is built",
            )

    def _register(self, plugin: object, name: str | None = None) -> list[str]:
        if inspect.isclass(plugin):
            raise PluginError(f"{plugin.__name__} is a class; a plugin is a module or an object")
        if (other := self.manager.get_name(plugin)) is not None:
            raise PluginError(f"the plugin {other} is the same module or object")
        try:
            self.manager.register(plugin, name)
            return _check_hooks(plugin, self.manager.get_hookcallers(plugin) or [])
        except BaseException:
            if self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            raise

    @contextmanager
    def _offered(self, record: PluginRecord, hook: str) -> Iterator[Iterator[Any]]:
        """Give what one hook of one plugin returns, isolated while it is used."""

        def call() -> Iterator[Any]:
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == record.name:
                    offered = implementation.function()
                    if isinstance(offered, str | bytes) or not isinstance(offered, Iterable):
                        what = "nothing" if offered is None else repr(offered)
                        raise PluginError(f"it returned {what}; expected a list")
                    yield from offered

        with _isolated(f"in hook {hook}"):
            yield call()

    def _leave_out(self, record: PluginRecord, error: BaseException) -> None:
        record.status, record.error, record.cause = "failed", error, _cause_of(error)
        record.hooks, record.components, record.recipes, record.commands = [], [], [], []
        if self.manager.has_plugin(record.name):
            self.manager.unregister(name=record.name)
        if record.version != LOCAL:
            self._report(f"plugin {record.provider} was left out: {record.cause}", error)

    def warn(self, record: PluginRecord, remark: str) -> None:
        """Warn, once, of something that a plugin does wrong; raise PluginError if plugins are strict."""
        if remark not in record.remarks:
            record.remarks.append(remark)
            self._report(f"plugin {record.provider}: {remark}")

    def _report(self, message: str, error: BaseException | None = None) -> None:
        if self.selection.strict:
            raise PluginError(message) from error
        _warn(message)

    def load_hints(self) -> None:
        """Learn which packages provide names that are not there, so that errors can name them."""
        why = {"active": "does not offer it", "disabled": "is disabled", "failed": "failed to load"}
        reasons = {record.name: why[record.status] for record in self.records}
        for distribution, families in known_packages().items():
            reason = reasons.get(distribution, "is not installed")
            for family, names in families.items():
                for name in names:
                    self.registry.add_hint(family, name, distribution, reason)

    # The life of a run.

    @contextmanager
    def listening(self, *listeners: object) -> Iterator[None]:
        """Announce the events of runs to objects with hook implementations, as to plugins.

        Raises:
            AttributeError: one implements an unknown hook, or takes an argument that the hook lacks.
        """
        with ExitStack() as registered:
            for listener in listeners:
                try:
                    self._register(listener)
                except (PluginError, pluggy.PluginValidationError) as error:
                    raise AttributeError(in_a_line(error)) from None
                registered.callback(self.manager.unregister, listener)
            yield

    def announce(self, event: str, **arguments: Any) -> None:
        """Call all plugins and listeners for an event in the life of a run.

        Each is called on its own: an exception in one is a warning and stops no other.
        """
        records = {record.name: record for record in self.records}
        for name, each in arguments.items():  # no listener changes them for the next
            arguments[name] = MappingProxyType(dict(each)) if isinstance(each, Mapping) else each
        # pluggy keeps implementations in the reverse order of calling.
        for implementation in reversed(getattr(self.manager.hook, event).get_hookimpls()):
            wanted = {name: arguments[name] for name in implementation.argnames}
            record = records.get(implementation.plugin_name)
            # Standard output is for commands and for the program that listens.
            redirected = redirect_stdout(sys.stderr) if record else nullcontext()
            try:
                with redirected:
                    implementation.function(**wanted)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if record is None and not isinstance(error, Exception):
                    raise  # a program may end itself in its own listener
                listener = f"listener {type(implementation.plugin).__name__}"
                who = listener if record is None else f"plugin {record.provider}"
                self._report(f"{who} failed in {event}: {_cause_of(error)}", error)


@contextmanager
def _isolated(where: str) -> Iterator[None]:
    """Run a plugin's code while plugins are loaded; an exception gets a note of where it was raised.

    What it prints goes to standard error, since standard output may be JSON of a command. Its warning
    filters are removed, since a blanket one would hide what is wrong with other plugins.
    """
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            yield
    except BaseException as error:
        error.add_note(where)
        raise


def _check_hooks(plugin: object, callers: list[pluggy.HookCaller]) -> list[str]:
    hooks = []
    for caller in callers:
        name, own = caller.name, [each for each in caller.get_hookimpls() if each.plugin is plugin]
        if any(each.wrapper or each.hookwrapper for each in own):
            raise PluginError(f"{name}: wrappers of hooks are not supported")
        if caller.has_spec():
            hooks.append(name)
        elif not all(each.optionalhook for each in own):  # they are for later versions of ganzoo
            raise PluginError(f"{name!r} is not a hook of {PROJECT}{did_you_mean(name, HOOKS)}")
    for name in HOOKS:
        function = inspect.getattr_static(plugin, name, None)
        if isinstance(function, FunctionType) and not hasattr(function, f"{PROJECT}_impl"):
            raise PluginError(f"{name} is not marked with @hookimpl")
    if not hooks:
        what = f"the module {plugin.__name__}" if inspect.ismodule(plugin) else repr(plugin)
        raise PluginError(f"{what} is not a plugin: it implements no hook of {PROJECT}")
    return hooks


def _cause_of(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        return f"it tried to end the program with exit code {error.code}{notes}"
    return in_a_line(error)


_loading: set[int] = set()  # threads that are loading plugins


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)


@functools.cache
def installed() -> Plugins:
    """Return the plugins of this process, loading them on the first call.

    Raises:
        ganzoo.errors.PluginError: a plugin failed and ``GANZOO_STRICT_PLUGINS`` is set; a local file
            cannot be loaded; or a plugin asked for this while it was imported.
    """
    thread = threading.get_ident()
    if thread in _loading:
        raise PluginError("no component can be looked up while plugins are being loaded")
    _loading.add(thread)
    try:
        plugins = Plugins(Selection.from_environment(os.environ))
        plugins.load_core()
        plugins.load_installed()
        for file in plugins.selection.files:
            plugins.load_file(file)
        plugins.load_hints()
    finally:
        _loading.remove(thread)
    return plugins


def culprit_of(error: BaseException) -> Provider | None:
    """Return the plugin whose code raised an exception, or None where no loaded one did."""
    if not installed.cache_info().currsize:
        return None
    active = [each for each in installed().records if each.status == "active" and each.name != CORE]
    packages = {CORE, *(each.package for each in active)}
    frames = (frame.f_globals for frame, _ in traceback.walk_tb(error.__traceback__))
    called = [str(names.get("__name__", "")).partition(".")[0] for names in frames]
    culprit = next((package for package in reversed(called) if package in packages), "")
    return _owners_of_packages(active).get(culprit)


def _owners_of_packages(records: list[PluginRecord]) -> dict[str, Provider]:
    """Return the plugin of each top-level package; one that several share has none."""
    count = Counter(record.package for record in records)
    return {each.package: each.provider for each in records if count[each.package] == 1}
