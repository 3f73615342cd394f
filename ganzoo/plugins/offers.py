"""What a plugin offers, checked before anyone uses it.

Each function takes what a hook gave and returns what ganzoo keeps of it, or raises ``PluginError`` with
a clause that says what is wrong.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import FunctionType
from typing import Any

from ganzoo import hookspecs
from ganzoo.components import Component
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.errors import PluginError, did_you_mean
from ganzoo.hookspecs import PROJECT, Command
from ganzoo.plugins.discovery import CORE
from ganzoo.plugins.records import PluginRecord, Recipe

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(f"{PROJECT}_"))
"""Names of all hooks."""

OFFERS = ("ganzoo_components", "ganzoo_recipes", "ganzoo_commands")
"""Those that are called when plugins are loaded; the others are called in the life of a run."""

CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def import_plugin(point: EntryPoint) -> object:
    """Import what an entry point names: a module, or an object in one."""
    module, _, attribute = point.value.partition(":")
    try:
        return point.load()
    except ModuleNotFoundError as error:
        missing = module.strip()
        if error.name is not None and f"{missing}.".startswith(f"{error.name}."):
            raise PluginError(
                f"its entry point names the module {missing!r}, and no {error.name!r} is installed"
            ) from error
        raise
    except AttributeError as error:
        if point.pattern.match(point.value) is None:
            raise PluginError(
                f"its entry point is {point.value!r}, which is neither 'module' nor 'module:object'"
            ) from error
        if attribute and error.name in attribute.split("."):
            raise PluginError(
                f"its entry point names {point.value!r}, and there is no {error.name!r} in the module"
                f"{did_you_mean(error.name, dir(error.obj))}"
            ) from error
        raise


def check_plugin(plugin: object) -> list[str]:
    """Return the names of the hooks that a plugin implements.

    Raises:
        PluginError: it is no plugin, or one of its hooks can never be called as it is written.
    """
    if inspect.isclass(plugin):
        raise PluginError(f"{plugin.__name__} is a class; a plugin is a module or an object")
    hooks = check_hooks(plugin)
    if not hooks:
        what = f"the module {plugin.__name__}" if inspect.ismodule(plugin) else repr(plugin)
        raise PluginError(f"{what} is no plugin: it implements no hook of {PROJECT}")
    return hooks


def check_hooks(plugin: object) -> list[str]:
    """Return the names of the hooks that an object implements.

    Raises:
        PluginError: it implements a hook that does not exist, takes an argument that the hook does
            not have, or wraps other implementations.
    """
    hooks = []
    for attribute in dir(plugin):
        function = inspect.getattr_static(plugin, attribute, None)
        options = getattr(function, f"{PROJECT}_impl", None)
        if options is None:
            if attribute in HOOKS and isinstance(function, FunctionType):
                raise PluginError(f"{attribute} is not marked with @hookimpl")
            continue
        name = options["specname"] or attribute
        if name not in HOOKS:
            if options["optionalhook"]:  # for later versions of ganzoo; this one does not call it
                continue
            raise PluginError(f"there is no hook {name!r}{did_you_mean(name, HOOKS)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise PluginError(f"{name}: wrappers of hooks are not supported")
        known = inspect.signature(getattr(hookspecs, name)).parameters
        for argument in inspect.signature(getattr(plugin, attribute)).parameters.values():
            optional = argument.default is not argument.empty or argument.kind in CATCH_ALL
            if argument.name not in known and not optional:
                raise PluginError(
                    f"the hook {name} has no argument {argument.name!r}"
                    f"{did_you_mean(argument.name, known)}"
                )
        hooks.append(name)
    return hooks


def as_list(given: Any) -> list[Any]:
    """Return what a hook gave as a list; a generator is asked to its end.

    Raises:
        PluginError: it is nothing of the kind.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        what = "nothing" if given is None else repr(given)
        raise PluginError(f"it returned {what}; expected a list")
    return list(given)


def take_components(
    given: list[Any], record: PluginRecord, registry: Registry, owners: Mapping[str, Provider]
) -> list[Entry]:
    """Return component classes as entries for the registry.

    Args:
        given: what the hook gave.
        record: the plugin.
        registry: what other plugins brought.
        owners: the plugin that each top-level package belongs to.

    Raises:
        PluginError: one is no component, is not this plugin's to bring, or has the name of another.
    """
    entries = [_component(each, record, registry, owners) for each in given]
    _refuse_twice(f"{entry.family} {entry.name!r}" for entry in entries)
    return entries


def take_recipes(given: list[Any], record: PluginRecord) -> list[Recipe]:
    """Return files as recipes.

    Raises:
        PluginError: one is no file, does not hold a JSON object, or has the name of another.
    """
    recipes = [_recipe(each, record) for each in given]
    _refuse_twice(f"recipe {recipe.name!r}" for recipe in recipes)
    return recipes


def take_commands(given: list[Any]) -> list[Command]:
    """Return commands.

    Raises:
        PluginError: one is none, cannot be typed or found, or has the name of another.
    """
    commands = [_command(each) for each in given]
    _refuse_twice(f"command {command.name!r}" for command in commands)
    for command in commands:
        if any(other.name.startswith(f"{command.name} ") for other in commands):
            raise PluginError(f"{command.name!r} is both a command and a group of commands")
    return commands


def _component(
    component: Any, record: PluginRecord, registry: Registry, owners: Mapping[str, Provider]
) -> Entry:
    if not (isinstance(component, type) and issubclass(component, Component)):
        raise PluginError(f"{component!r} is no component class")
    if component.is_family() or "family" not in dir(component):
        raise PluginError(f"{component.__name__} is a family, not a member of one")
    name = component.model_fields["type"].default
    if not isinstance(name, str):
        raise PluginError(f"{component.__name__} has no default for its 'type'")
    if re.fullmatch(r"[^\s:]+", name) is None:
        raise PluginError(
            f"{component.__name__} is called {name!r}; a name has no spaces and no colon"
        )
    if component.__abstractmethods__:
        missing = ", ".join(sorted(component.__abstractmethods__))
        raise PluginError(f"{component.__name__} does not implement {missing}")
    if not isinstance(component.paper, str | None):
        raise PluginError(f"{component.__name__} has a paper that is no text: {component.paper!r}")
    # By where the class is from, not by who came first: the plugin that made it must not suffer.
    owner = owners.get(component.__module__.partition(".")[0], record.provider)
    if owner != record.provider:
        raise PluginError(f"{component.__name__} is a component of {owner}")
    for entry in registry.entries(component.family):
        if entry.provider.name == CORE and entry.name == name:
            raise PluginError(f"the name {name!r} of its {component.family} is the core's own")
        if entry.component is component:
            raise PluginError(f"{component.__name__} is a component of {entry.provider}")
    return Entry(component.family, name, component, record.provider)


def _recipe(path: Any, record: PluginRecord) -> Recipe:
    if not isinstance(path, str | Path):
        raise PluginError(f"{path!r} is no path of a recipe")
    recipe = Recipe(Path(path).stem, Path(path), record.provider)
    if not recipe.path.is_file():
        raise PluginError(f"there is no file {path}")
    try:
        data = recipe.read()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise PluginError(f"its recipe {path} is not JSON: {error.msg} at {where}") from error
    except UnicodeDecodeError as error:
        raise PluginError(f"its recipe {path} is not JSON: it is no UTF-8 text") from error
    if not isinstance(data, dict):
        raise PluginError(f"its recipe {path} is no spec: expected a JSON object")
    return recipe


def _command(command: Any) -> Command:
    if not isinstance(command, Command):
        raise PluginError(f"{command!r} is no ganzoo.Command")
    words = command.name.split() if isinstance(command.name, str) else []
    if not words or command.name != " ".join(words) or any(each.startswith("-") for each in words):
        raise PluginError(
            f"a command is called {command.name!r}; expected words such as 'plot losses'"
        )
    if not isinstance(command.target, str) or not re.fullmatch(r"[\w.]+:\w+", command.target):
        raise PluginError(
            f"the command {command.name!r} has the target {command.target!r}; expected"
            " 'package.module:attribute'"
        )
    if not isinstance(command.help, str):
        raise PluginError(f"the command {command.name!r} has a help that is no text")
    return command


def _refuse_twice(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise PluginError(f"it brings the {name} twice")
        seen.add(name)
