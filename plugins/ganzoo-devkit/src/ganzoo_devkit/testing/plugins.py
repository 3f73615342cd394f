"""Checks of a plugin as a whole, of its names and of what it needs, and of its recipes."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import TypeAdapter

from ganzoo.components import Component
from ganzoo.errors import DataError, SpecError
from ganzoo.plugins import CORE, GROUP, PluginRecord, Recipe
from ganzoo.spec import RunSpec, parse_spec
from ganzoo_devkit.testing.checks import check, fail, few, require
from ganzoo_devkit.testing.specs import family_of


@check(PluginRecord)
def check_loaded(plugin: PluginRecord) -> None:
    """The plugin was found, loaded and taken in, and nothing was remarked on."""
    require(plugin.status == "active", f"it is {plugin.status} ({plugin.cause})")
    require(not plugin.remarks, f"it was loaded with remarks ({'; '.join(plugin.remarks)})")


@check(PluginRecord)
def check_names(plugin: PluginRecord) -> None:
    """Distribution, package and entry point have one name, such as ``ganzoo-sphere``."""
    if plugin.name == CORE:
        return
    package = plugin.name.replace("-", "_")
    require(plugin.package == package, f"the package of {plugin.name} must be called {package}")
    points = metadata.distribution(plugin.name).entry_points.select(group=GROUP)
    names = [canonicalize_name(point.name) for point in points]
    require(names == [plugin.name], f"its entry points are {names}, not one called {plugin.name!r}")


@check(PluginRecord)
def check_requirements(plugin: PluginRecord) -> None:
    """The distribution requires ganzoo, without an upper bound."""
    if plugin.name == CORE:
        return
    required = [Requirement(text) for text in metadata.requires(plugin.name) or ()]
    own = [each for each in required if canonicalize_name(each.name) == CORE]
    require(own, f"its metadata do not require {CORE}; add '{CORE}>=…' to its dependencies")
    upper = {"<", "<=", "==", "===", "~="}
    capped = few(str(each) for each in own if any(s.operator in upper for s in each.specifier))
    require(not capped, f"its metadata require '{capped}'; leave out the upper bound")


@check(PluginRecord)
def check_commands(plugin: PluginRecord) -> None:
    """Each command is a click command where its target says, and has a line of help."""
    for command in plugin.commands:
        module, _, attribute = command.target.partition(":")
        found = getattr(importlib.import_module(module), attribute, None)
        what = f"of command {command.name!r}"
        require(isinstance(found, click.Command), f"the target {what} is not a click command")
        line = command.help.strip()
        require(line and "\n" not in line, f"the help {what} is not one line")


@check(PluginRecord)
def check_torch_free(plugin: PluginRecord, examples: Sequence[Component] = ()) -> None:
    """Loading the plugin, and reading and checking specs with its components, imports no torch.

    It is tried in a process of its own, where the plugin and those that it requires are all there are.
    Where one of these others imports torch, specs cannot be read without it, and a skip is reported.
    The examples are written as JSON and read there, and asked for what is known before building.
    """
    written = [each for each in map(_written, examples) if "conformance-tiny" not in str(each)]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, plugin.module, json.dumps(written)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "GANZOO_PLUGINS": ",".join(sorted(_with_required(plugin.name))),
            "GANZOO_STRICT_PLUGINS": "0",  # what others do wrong is not this plugin's fault
        },
    )
    blamed = ", ".join(re.findall(r"^torch by (.*)$", done.stdout, re.MULTILINE))
    require(not blamed, f"torch is imported by {blamed}; import it inside 'build'")
    last = done.stderr.strip().rpartition("\n")[2]
    require(done.returncode == 0, f"it cannot be loaded in a new process ({last})")
    if done.stdout.startswith("elsewhere"):
        pytest.skip("torch is imported by a plugin that this one requires")


def _with_required(name: str) -> set[str]:
    """Return the names of a plugin and of all installed plugins that it requires, directly or not."""
    points = metadata.entry_points(group=GROUP)
    plugins = {canonicalize_name(each.dist.name) for each in points if each.dist is not None}
    found, waiting = set[str](), {canonicalize_name(name)}
    while waiting:
        found.add(each := waiting.pop())
        required = [Requirement(text).name for text in metadata.requires(each) or ()]
        waiting |= {canonicalize_name(one) for one in required} & plugins - found
    return found - {CORE}


def _written(example: Component) -> tuple[str, Any]:
    return example.family, TypeAdapter(family_of(example)).dump_python(example, mode="json")


@check(Recipe)
def check_valid(recipe: Recipe) -> None:
    """The recipe is a valid spec, named as its file and described; ``requires`` is whole."""
    spec = _parsed(recipe)
    require(spec.name == recipe.name, f"its 'name' is {spec.name!r}, and its file {recipe.name!r}")
    require(spec.description.strip(), "it has no 'description'")
    used = {provider.name for provider in spec.providers().values()}
    missing = few(sorted(used - set(spec.requires)))
    require(not missing, f"it uses components of {missing}, which 'requires' does not name")


@check(Recipe)
def check_fit(recipe: Recipe) -> None:
    """Data set and networks fit together; whether the data are there does not matter."""
    spec = _parsed(recipe)
    with contextlib.suppress(DataError):
        try:
            spec.check()
        except SpecError as error:
            fail(f"its parts do not fit: {', '.join(map(str, error.problems))}")


def _parsed(recipe: Recipe) -> RunSpec:
    try:
        return parse_spec(recipe.read())
    except SpecError as error:
        fail(f"it is not a valid spec: {', '.join(map(str, error.problems))}")


_PROGRAM = """
import contextlib, importlib.machinery, json, sys, warnings
warnings.simplefilter("ignore")

class Blame:
    blaming, during = True, "while the plugin is loaded"

    def find_spec(self, name, path=None, target=None):
        if name == "torch" and self.blaming:  # to ask whether it is there is no import
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        frame = sys._getframe(1)
        while frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        module = frame.f_globals.get("__name__")
        print(f"torch by {module}, line {frame.f_lineno}, {self.during}", flush=True)
        raise SystemExit(0)  # which no handler of errors catches

    def exec_module(self, module):
        raise AssertionError("it is never made")

blame = Blame()
sys.meta_path.insert(0, blame)

module, _, attribute = sys.argv[1].partition(":")
plugin = importlib.import_module(module)
for name in filter(None, attribute.split(".")):
    plugin = getattr(plugin, name)
for hook in ("ganzoo_components", "ganzoo_recipes", "ganzoo_commands"):
    list(getattr(plugin, hook, tuple)())

blame.blaming = False  # of what other plugins do
import ganzoo
from ganzoo.components import FAMILIES, DatasetInfo, Images
from ganzoo.plugins import installed
from ganzoo.spec import Training
from pydantic import TypeAdapter
installed()
if "torch" in sys.modules:
    print("elsewhere")
    raise SystemExit(0)
blame.blaming = True

families = {family.family: family for family in FAMILIES}
for family, data in json.loads(sys.argv[2]):
    blame.during = f"while a spec with {data['type'] if isinstance(data, dict) else data!r} is checked"
    component = TypeAdapter(families[family]).validate_python(data)
    with contextlib.suppress(ValueError, ganzoo.errors.GanzooError):
        if family == "dataset":
            component.info()
        if family in ("generator", "discriminator"):
            component.check((1, 28, 28), None)
        if family == "algorithm":
            list(component.check(DatasetInfo(Images(1, 28, 28)), Training()))
        if family == "translator":
            component.check_source((1, 28, 28), (1, 28, 28), None)
        if family == "extractor":
            component.check((1, 28, 28))
        if family == "schedule":
            list(component.values())
"""
