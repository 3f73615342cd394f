"""``ganzoo plugins``, and plugins that fail while a command runs; with plugins installed for a test."""

import json
import sys
import warnings
from pathlib import Path
from textwrap import dedent

import pytest

from ganzoo import plugins
from ganzoo.cli.completion import complete_plugin
from ganzoo.components import registry

TRIANGLE = """
    from typing import Literal
    import click
    from ganzoo import Command, hookimpl
    from ganzoo.components import Activation

    class Triangle(Activation):
        '''Up and down.

        More of it.
        '''
        type: Literal["triangle"] = "triangle"
        steep: int = 1
        def build(self):
            raise NotImplementedError

    @click.command()
    def fail():
        '''Fail.'''
        raise ZeroDivisionError("by nothing")

    @hookimpl
    def ganzoo_components():
        return [Triangle]

    @hookimpl
    def ganzoo_commands():
        return [Command("fail", "ganzoo_triangle:fail", "Fail.")]

    @hookimpl
    def ganzoo_run_finished():
        pass
"""

LINKS = """\
Summary: Triangles.
License-Expression: MIT
Project-URL: Source, https://example.org/source
Project-URL: Homepage, https://example.org
"""


@pytest.fixture
def anew(monkeypatch):
    """Let the program load its plugins anew, with what the test installs."""
    monkeypatch.delenv("GANZOO_STRICT_PLUGINS", raising=False)
    monkeypatch.setattr(registry, "_active", None)
    plugins.installed.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
    plugins.installed.cache_clear()


@pytest.fixture
def triangle(install, anew):
    folder = install("ganzoo-triangle", TRIANGLE, version="3.1")
    (file,) = folder.glob("*.dist-info/METADATA")
    file.write_text(file.read_text("utf-8") + LINKS, "utf-8")


@pytest.fixture
def broken(install, anew):
    install("ganzoo-broken", "def helper():\n    raise OSError('oops')\nhelper()")


def rows(text):
    return {line.split()[0]: line.split(maxsplit=3)[1:] for line in text.splitlines()}


def test_active_and_failed_plugins_are_listed_and_disabled_ones_on_request(
    program, triangle, broken, monkeypatch
):
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "ganzoo-mlp")
    result = program("plugins", "list")
    listed = rows(result.out)
    assert listed["ganzoo-triangle"] == [
        "3.1",
        "active",
        "1 component, 1 command, 1 listener",
    ]
    assert listed["ganzoo-broken"][1:] == ["failed", "OSError: oops (importing ganzoo_broken)"]
    assert "ganzoo-mlp" not in listed
    assert result.err.endswith("1 disabled plugin not shown; '--all' shows all\n")
    result = program("plugins", "list", "--all")
    assert rows(result.out)["ganzoo-mlp"][1:] == ["disabled", "disabled"]
    assert "not shown" not in result.err
    names = [each["name"] for each in json.loads(program("plugins", "list", "--json").out)]
    assert names == list(listed)


def test_timings_say_how_long_each_took(program, install, anew):
    install("ganzoo-slow", "import time; time.sleep(0.05)\n" + dedent(TRIANGLE))
    cells = rows(program("plugins", "list", "--timings").out)["ganzoo-slow"]
    milliseconds, unit = cells[2].split()[:2]
    assert (unit, int(milliseconds) >= 50) == ("ms", True)


def test_a_plugin_is_shown_with_all_that_is_known_of_it(program, triangle):
    text = program("plugins", "show", "GanZoo_Triangle").out
    for line in (
        "name        ganzoo-triangle 3.1",
        "status      active",
        "about       Triangles.",
        "licence     MIT",
        "homepage    https://example.org",
        "module      ganzoo_triangle",
        "listens to  ganzoo_run_finished",
        "  activation  triangle  Up and down.",
        "  ganzoo fail  Fail.",
    ):
        assert line in text.splitlines(), text
    facts = json.loads(program("plugins", "show", "ganzoo-triangle", "--json").out)
    assert facts["components"] == {"activation": {"triangle": "Up and down."}}
    assert facts["homepage"] == "https://example.org"
    assert facts["commands"] == {"fail": "Fail."}


def test_a_failed_plugin_is_shown_with_its_cause_and_on_request_its_traceback(program, broken):
    result = program("plugins", "show", "ganzoo-broken")
    assert result.code == 0
    assert "status     failed: OSError: oops (importing ganzoo_broken)" in result.out
    assert "Traceback" not in result.err
    result = program("--debug", "plugins", "show", "ganzoo-broken", "--json")
    assert json.loads(result.out)["status"] == "failed"
    assert "in helper" in result.err


def test_a_plugin_whose_metadata_are_gone_is_shown(program, install, anew):
    folder = install("ganzoo-damaged", TRIANGLE)
    (folder / "ganzoo_damaged-1.0.dist-info" / "METADATA").unlink()
    text = program("plugins", "show", "ganzoo-damaged").out
    assert "ganzoo-damaged unknown" in text
    assert "have no Name and no Version" in text


def test_disabled_names_are_completed_though_metadata_are_damaged(install, anew):
    folder = install("ganzoo-damaged", "")
    (folder / "ganzoo_damaged-1.0.dist-info" / "METADATA").unlink()
    assert complete_plugin(None, None, "ganzoo-d") == [
        "ganzoo-damaged",
        "ganzoo-dcgan",
        "ganzoo-devkit",
        "ganzoo-digits",
    ]


def test_a_bug_in_a_plugins_command_is_called_that_plugins(program, triangle):
    result = program("fail")
    assert result.code == 1
    assert result.err == (
        "error: ZeroDivisionError: by nothing. This is a bug in plugin ganzoo-triangle 3.1;"
        " 'ganzoo --debug ...' shows the traceback\n"
    )


def test_a_field_without_description_is_shown(program, triangle):
    assert "steep: integer, default 1" in program("show", "triangle").out


def test_a_command_and_a_group_of_one_name_are_both_named(program, triangle, install):
    install(
        "ganzoo-other",
        """
        from ganzoo import Command, hookimpl
        @hookimpl
        def ganzoo_commands():
            return [Command("fail again", "ganzoo_other:fail", "Fail again.")]
        """,
    )
    result = program("fail", "again")
    assert result.code == 2
    assert (
        "the command 'fail' is provided by ganzoo-other 1.0 and ganzoo-triangle 3.1" in result.err
    )


def test_a_component_that_cannot_be_described_is_left_out_of_the_schema_or_fatal(
    program, install, anew, monkeypatch
):
    source = TRIANGLE.replace("steep: int = 1", "steep: object = object()")
    install("ganzoo-triangle", source)
    result = program("schema")
    assert result.code == 0
    assert '"activation.triangle"' not in result.out
    assert result.err.startswith(
        "warning: plugin ganzoo-triangle 1.0: its activation 'triangle' cannot be described:"
    )
    result = program("show", "triangle")
    assert result.code == 1
    assert "error: plugin ganzoo-triangle 1.0: its activation 'triangle' cannot" in result.err
    monkeypatch.setenv("GANZOO_STRICT_PLUGINS", "1")
    result = program("schema")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        (
            "steep: object = object()",
            "PydanticSerializationError: Unable to serialize unknown type",
        ),
        ("steep: 'Nowhere' = 1", "PydanticUserError: `Triangle` is not fully defined"),
        ("steep: Literal = 1", "PydanticSchemaGenerationError: Unable to generate"),
    ],
)
def test_a_component_that_cannot_be_used_is_an_error_of_the_spec_that_names_its_plugin(
    field, cause, program, install, anew
):
    install("ganzoo-triangle", TRIANGLE.replace("steep: int = 1", field))
    result = program("run", "mlp-mnist", "--dry-run", "--set", "generator.activation=triangle")
    assert result.code == 2
    assert result.err.startswith(
        "error: mlp-mnist: generator.activation: ganzoo-triangle 1.0 is at fault: its activation"
        f" 'triangle' cannot be used: {cause}"
    )
    assert program("validate", "mlp-mnist").out == "mlp-mnist: valid\n"


def test_a_list_as_default_is_no_fault(program, install, anew):
    install("ganzoo-triangle", TRIANGLE.replace("steep: int = 1", "steep: list[int] = [1]"))
    shown = json.loads(program("show", "triangle", "--json").out)
    assert shown[0]["fields"][0]["default"] == [1]
    change = ("--set", "generator.activation=triangle")
    resolved = json.loads(program("run", "mlp-mnist", "--dry-run", "-q", *change).out)
    assert resolved["generator"]["activation"] == {"type": "triangle", "steep": [1]}


def test_plugins_cannot_be_asked_for_while_they_are_loaded(program, install, anew):
    install(
        "ganzoo-early",
        """
        from pydantic import TypeAdapter
        from ganzoo.components import Activation
        DEFAULT = TypeAdapter(Activation).validate_python("relu")
        """,
    )
    result = program("list", "loss")
    assert result.code == 0
    assert result.err == (
        "warning: plugin ganzoo-early 1.0 was left out: no component can be looked up while plugins"
        " are being loaded (importing ganzoo_early)\n"
    )
    assert {each.name for each in plugins.installed().records} >= {"ganzoo-early", "ganzoo-mlp"}


def test_a_recipe_may_be_described_by_no_text(program, install, anew):
    source = """
        from pathlib import Path
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            return [Path(__file__).with_name("odd.json")]
    """
    folder = install("ganzoo-odd", source)
    (folder / "odd.json").write_text('{"description": 5}', encoding="utf-8-sig")
    assert "odd" in program("recipes").out
    assert "odd: description:" in program("validate", "odd").err


def test_a_local_file_is_loaded_as_a_plugin_and_recorded_in_the_run(
    program, anew, monkeypatch, tmp_path, spec_file
):
    monkeypatch.setenv("GANZOO_PLUGIN_FILES", "")  # so that what the option sets is undone
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "my_triangle.py"
    build = "import torch; return torch.nn.ReLU()"
    file.write_text(dedent(TRIANGLE).replace("raise NotImplementedError", build), "utf-8")
    change = ("--set", "generator.activation=triangle", "--set", "training.duration=2 steps")
    result = program("--plugin", file, "run", spec_file, *change)
    assert result.code == 0, result.err
    environment = json.loads((Path(result.out.strip()) / "environment.json").read_text("utf-8"))
    assert environment["providers"]["generator.activation"] == {
        "name": "my_triangle",
        "version": "local",
    }
    assert rows(program("plugins", "list").out)["my_triangle"][0] == "local"
    assert json.loads(program("plugins", "show", "my_triangle", "--json").out)["version"] == "local"


def test_a_local_file_that_cannot_be_loaded_ends_the_program(program, anew, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_PLUGIN_FILES", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "local_broken.py"
    file.write_text("raise OSError('oops')", "utf-8")
    result = program("--plugin", file, "list", "loss")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: {file}: OSError: oops (importing local_broken)\n"
    assert "does not exist" in program("--plugin", tmp_path / "none.py", "list").err
