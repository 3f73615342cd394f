"""A plugin or recipe that is broken in one way is caught by one check."""

from __future__ import annotations

import json

import pytest
from ganzoo_devkit.testing import NonConformance, checks_of
from ganzoo_devkit.testing.checks import name_of_check
from ganzoo_devkit.testing.plugins import check_torch_free

from ganzoo.components.registry import Provider
from ganzoo.plugins import CORE, PluginRecord, Recipe

PLUGIN = '''
from typing import Literal
from ganzoo import Command, hookimpl
from ganzoo.components import Activation, component_field

class Cube(Activation):
    """The third power."""
    type: Literal["cube"] = "cube"
    def build(self):
        import torch
        return torch.nn.Identity()

@hookimpl
def ganzoo_components():
    return [Cube]
'''

COMMAND = """
@hookimpl
def ganzoo_commands():
    return [Command("cube", "{target}", "Show a cube.")]
"""


def failures(checks, subject, slow=False):
    found = {}
    for check in checks:
        if name_of_check(check) == "torch-free" and not slow:
            continue  # a process of its own takes long
        try:
            check(subject)
        except NonConformance as error:
            found[name_of_check(check)] = str(error)
    return found


@pytest.fixture
def failures_of(install, load_plugins):
    """Return ``(source, …) -> {check: sentence}`` for a plugin that is installed for the test."""

    def find(source, *, name="ganzoo-cube", requires=("ganzoo>=0.1",), slow=False, **options):
        folder = install(name, source, **options)
        (about,) = folder.glob("*.dist-info/METADATA")
        lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
        about.write_text(about.read_text("utf-8") + lines, "utf-8")
        records = {record.name: record for record in load_plugins().records}
        return failures(checks_of(PluginRecord), records[name], slow)

    return find


def test_a_plugin_that_is_as_it_should_be_passes_all(failures_of):
    assert (
        failures_of(PLUGIN + COMMAND.format(target="ganzoo.cli.commands.catalogue:show"), slow=True)
        == {}
    )


def test_importing_torch_is_caught_with_the_line(failures_of):
    found = failures_of(PLUGIN + "\nimport torch\n", slow=True)
    assert list(found) == ["torch-free"]
    line = len(PLUGIN.splitlines()) + 2
    assert f"torch is imported by ganzoo_cube, line {line}, while" in found["torch-free"]


def test_importing_it_in_a_default_is_caught_too(failures_of):
    source = PLUGIN.replace("class Cube", "import ganzoo.training\nclass Cube")
    found = failures_of(source, slow=True)
    assert "torch is imported by ganzoo.data.batches" in found["torch-free"]


def test_asking_whether_torch_is_there_is_no_import(failures_of):
    source = PLUGIN + "\nimport importlib.util\nassert importlib.util.find_spec('torch')\n"
    assert failures_of(source, slow=True) == {}


LATE = PLUGIN.replace(
    "    def build", "    def model_post_init(self, _):\n        import torch\n    def build"
)


HEAVY = "import torch\n" + PLUGIN.replace("cube", "heavy")


def test_importing_it_in_a_check_is_caught_though_another_plugin_imports_it(install, load_plugins):
    install("ganzoo-heavy", HEAVY)
    install("ganzoo-cube", LATE)
    records = {record.name: record for record in load_plugins().records}
    (entry,) = records["ganzoo-cube"].components
    with pytest.raises(
        NonConformance, match="torch is imported by ganzoo_cube, line 10, while a sp"
    ):
        check_torch_free(records["ganzoo-cube"], [entry.component()])


def test_it_is_skipped_where_a_plugin_that_is_required_imports_torch(failures_of, install):
    install("ganzoo-heavy", HEAVY)
    with pytest.raises(pytest.skip.Exception, match="by a plugin that this one requires"):
        failures_of(PLUGIN, requires=("ganzoo>=0.1", "ganzoo-heavy"), slow=True)


def test_a_module_of_another_name_is_caught(failures_of, monkeypatch):
    found = failures_of(PLUGIN, name="cube-ganzoo", entry_points={"cube": "cube_ganzoo"})
    assert list(found) == ["names"]
    assert "not one called 'cube-ganzoo'" in found["names"]


def test_a_package_of_another_name_is_caught(failures_of, tmp_path, monkeypatch):
    (tmp_path / "cube.py").write_text(PLUGIN, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = failures_of("", entry_points={"ganzoo-cube": "cube"})
    assert list(found) == ["names"]
    assert "the package of ganzoo-cube must be called ganzoo_cube" in found["names"]


@pytest.mark.parametrize(
    ("requires", "sentence"),
    [
        ((), "add 'ganzoo>=…'"),
        *(
            ((each,), "leave out the upper bound")
            for each in ("ganzoo>=0.1,<2", "ganzoo~=0.1", "ganzoo===0.2.0", "ganzoo==0.*")
        ),
    ],
)
def test_requirements_are_checked(failures_of, requires, sentence):
    found = failures_of(PLUGIN, requires=requires)
    assert list(found) == ["requirements"]
    assert sentence in found["requirements"]


def test_a_command_that_is_none_is_caught(failures_of):
    found = failures_of(PLUGIN + COMMAND.format(target="json:dumps"))
    assert list(found) == ["commands"]
    assert "the target of command 'cube' is not a click command" in found["commands"]


def test_a_plugin_that_failed_is_caught_with_the_cause():
    record = PluginRecord("ganzoo-cube", "1", "ganzoo_cube", "failed", "ImportError: no")
    assert (
        "it is failed (ImportError: no)" in failures(checks_of(PluginRecord)[:1], record)["loaded"]
    )


SPEC = {
    "name": "cubes",
    "description": "Cubes.",
    "requires": {"ganzoo": ">=0.1", "ganzoo-mlp": ">=0.1", "ganzoo-activations": ">=0.1"},
    "dataset": {"type": "torchvision", "name": "MNIST"},
    "generator": "mlp",
    "discriminator": "mlp",
}


@pytest.mark.parametrize(
    ("changes", "check", "sentence"),
    [
        ({}, None, None),
        ({"name": "balls"}, "valid", "its 'name' is 'balls', and its file 'cubes'"),
        ({"description": ""}, "valid", "it has no 'description'"),
        ({"dataset": "no-such-set"}, "valid", "it is not a valid spec: dataset: "),
        ({"dataset": {"type": "arrays", "path": "nowhere.npz"}}, None, None),
        (
            {"dataset": {"type": "torchvision", "name": "MNIST", "split": "nowhere"}},
            "fit",
            "has no split 'nowhere'",
        ),
        (
            {"requires": {"ganzoo": ">=0.1", "ganzoo-mlp": ">=0.1"}},
            "valid",
            "it uses components of ganzoo-activations",
        ),
    ],
)
def test_recipes_are_checked(tmp_path, changes, check, sentence):
    path = tmp_path / "cubes.json"
    path.write_text(json.dumps({**SPEC, **changes}), "utf-8")
    found = failures(checks_of(Recipe), Recipe("cubes", path, Provider(CORE, "0")))
    if check is None:
        assert found == {}
    else:
        assert found[check].startswith(f"recipe 'cubes', {check}: ")
        assert sentence in found[check]
