"""Finding, loading, isolating and naming plugins: with real metadata, as a package manager leaves it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pydantic import TypeAdapter

from ganzoo import hookimpl
from ganzoo.components import Activation
from ganzoo.components.registry import Provider, UnknownNameError
from ganzoo.errors import PluginError, PluginWarning
from ganzoo.hookspecs import Command
from ganzoo.plugins import PluginRecord, Plugins, Selection
from ganzoo.runs import RunDirectory

Install = Callable[..., Path]
Load = Callable[..., Plugins]

COMPONENT = """
    from typing import Literal
    from ganzoo import hookimpl
    from ganzoo.components import Activation

    class Cube(Activation):
        '''The third power.'''
        type: Literal["{name}"] = "{name}"
        def build(self):
            raise NotImplementedError

    @hookimpl
    def ganzoo_components():
        return [Cube]
"""


def plugin(name: str = "cube") -> str:
    """Return the source of a plugin with one activation."""
    return COMPONENT.replace("{name}", name)


def record(plugins: Plugins, name: str) -> PluginRecord:
    (found,) = [each for each in plugins.records if each.name == name]
    return found


def load_with_warning(load: Load, selection: Selection | None = None) -> tuple[Plugins, str]:
    """Load, and return the one warning there must be: a single line."""
    with pytest.warns(PluginWarning) as caught:
        plugins = load(selection)
    (warning,) = caught
    message = str(warning.message)
    assert "\n" not in message
    return plugins, message


# What is found.


def test_an_installed_plugin_is_found_and_its_component_is_ready(
    install: Install, load_plugins: Load
) -> None:
    install("ganzoo-cube", plugin(), version="2.3")
    plugins = load_plugins()
    found = record(plugins, "ganzoo-cube")
    assert (found.version, found.module, found.status, found.cause) == (
        "2.3",
        "ganzoo_cube",
        "active",
        None,
    )
    cube = TypeAdapter(Activation).validate_python("cube")
    entry = plugins.registry.entry_of(type(cube))
    assert entry is not None
    assert str(entry.provider) == "ganzoo-cube 2.3"
    assert found.components == [entry]


def test_plugins_load_in_the_order_of_their_names_after_the_core(
    install: Install, load_plugins: Load
) -> None:
    for name in ("zz-last", "aa-first", "ganzoo-m"):
        install(name, plugin(name))
    names = [each.name for each in load_plugins().records]
    assert names[0] == "ganzoo"
    assert names[1:] == sorted(names[1:])
    assert {"zz-last", "aa-first", "ganzoo-m"} <= set(names)


def test_names_of_distributions_are_written_one_way(install: Install, load_plugins: Load) -> None:
    install("Ganzoo_Cube", plugin())
    plugins = load_plugins(Selection.from_environment({"GANZOO_PLUGINS": "GanZoo.cube"}))
    assert record(plugins, "ganzoo-cube").status == "active"
    assert plugins.registry.find("activation", "ganzoo-cube:cube").name == "cube"


def test_recipes_and_commands_of_a_plugin_are_found(install: Install, load_plugins: Load) -> None:
    folder = install(
        "ganzoo-more",
        """
        from pathlib import Path
        from ganzoo import Command, hookimpl

        @hookimpl
        def ganzoo_recipes():
            return [Path(__file__).with_name("quick.json")]

        @hookimpl
        def ganzoo_commands():
            yield Command("draw", "ganzoo_more_commands:draw", "Draw.")
        """,
    )
    (folder / "quick.json").write_text('{"name": "quick"}', encoding="utf-8")
    plugins = load_plugins()
    (recipe,) = plugins.recipes["quick"]
    assert (recipe.read(), recipe.provider.name) == ({"name": "quick"}, "ganzoo-more")
    commands = [command for each, command in plugins.commands if each.name == "ganzoo-more"]
    assert commands == [Command("draw", "ganzoo_more_commands:draw", "Draw.")]
    assert "ganzoo_more_commands" not in sys.modules


# What is broken.

BROKEN = {
    "import": ("import ganzoo_nothing_of_that_name", "ModuleNotFoundError: No module named"),
    "syntax": ("def", "SyntaxError: invalid syntax"),
    "raises": ("raise RuntimeError('first line\\nsecond')", "RuntimeError: first line second"),
    "misspelt hook": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_component():
            return []
        """,
        "'ganzoo_component' is not a hook of ganzoo; did you mean 'ganzoo_components'?",
    ),
    "unknown argument": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_step_finished(run, stp):
            pass
        """,
        "PluginValidationError: Plugin 'ganzoo-broken' for hook 'ganzoo_step_finished'",
    ),
    "hook raises": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            yield from ()
            raise KeyError("oops")
        """,
        "KeyError: 'oops' (in hook ganzoo_recipes)",
    ),
    "hook returns nothing": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_components():
            pass
        """,
        "it returned nothing; expected a list (in hook ganzoo_components)",
    ),
    "no component": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_components():
            return [int]
        """,
        "<class 'int'> is not a component class (in hook ganzoo_components)",
    ),
    "a family": (
        """
        from ganzoo import hookimpl
        from ganzoo.components import Loss
        @hookimpl
        def ganzoo_components():
            return [Loss]
        """,
        "Loss is a family, not a member of one (in hook ganzoo_components)",
    ),
    "of no family": (
        """
        from typing import Literal
        from ganzoo import hookimpl
        from ganzoo.components import Component
        class Odd(Component):
            type: Literal["odd"] = "odd"
        @hookimpl
        def ganzoo_components():
            return [Odd]
        """,
        "Odd is a family, not a member of one (in hook ganzoo_components)",
    ),
    "no type": (
        """
        from ganzoo import hookimpl
        from ganzoo.components import Activation
        class Odd(Activation):
            def build(self):
                raise NotImplementedError
        @hookimpl
        def ganzoo_components():
            return [Odd]
        """,
        "Odd has no default for its 'type' (in hook ganzoo_components)",
    ),
    "abstract": (
        """
        from typing import Literal
        from ganzoo import hookimpl
        from ganzoo.components import Schedule
        class Odd(Schedule):
            type: Literal["odd"] = "odd"
            def values(self):
                yield 0.0
        @hookimpl
        def ganzoo_components():
            return [Odd]
        """,
        "Odd does not implement build (in hook ganzoo_components)",
    ),
    "reserved": (
        """
        from typing import Literal
        from ganzoo import hookimpl
        from ganzoo.components import Loss
        class Mine(Loss):
            type: Literal["bce"] = "bce"
            def build(self):
                raise NotImplementedError
        @hookimpl
        def ganzoo_components():
            return [Mine]
        """,
        "the name 'bce' of its loss is the core's own (in hook ganzoo_components)",
    ),
    "the same name twice": (
        plugin() + "    class Again(Cube):\n        pass\n"
        "    @hookimpl\n    def ganzoo_components():\n        return [Cube, Again]\n",
        "it provides the activation 'cube' twice (in hook ganzoo_components)",
    ),
    "no recipe file": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            return ["nowhere.json"]
        """,
        "its recipe nowhere.json is not a file (in hook ganzoo_recipes)",
    ),
    "no command": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_commands():
            return ["draw"]
        """,
        "'draw' is not a ganzoo.Command (in hook ganzoo_commands)",
    ),
    "no marker": (
        """
        def ganzoo_components():
            return []
        """,
        "ganzoo_components is not marked with @hookimpl (importing ganzoo_broken)",
    ),
    "no hook": ("", "the module ganzoo_broken is not a plugin: it implements no hook of ganzoo"),
    "hook returns a text": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            return "quick.json"
        """,
        "it returned 'quick.json'; expected a list (in hook ganzoo_recipes)",
    ),
    "ends the program": (
        "import sys; sys.exit(3)",
        "it tried to end the program with exit code 3 (importing ganzoo_broken)",
    ),
    "ends the program in a hook": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_commands():
            raise SystemExit("no licence")
        """,
        "it tried to end the program with exit code no licence (in hook ganzoo_commands)",
    ),
    "no ordinary exception": (
        """
        class Odd(BaseException):
            pass
        raise Odd
        """,
        "Odd (importing ganzoo_broken)",
    ),
    "a colon in a name": (
        plugin("my:cube"),
        "Cube is called 'my:cube'; a name has no spaces and no colon (in hook ganzoo_components)",
    ),
    "a component of another": (
        """
        from ganzoo import hookimpl
        from aa_cube import Cube
        @hookimpl
        def ganzoo_components():
            return [Cube]
        """,
        "Cube is a component of aa-cube 1.0 (in hook ganzoo_components)",
    ),
    "a paper that is not a string": (
        plugin().replace("def build", "paper = 2017\n        def build"),
        "the paper of Cube must be a string, not 2017 (in hook ganzoo_components)",
    ),
    "no JSON": (
        """
        from pathlib import Path
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            return [Path(__file__)]
        """,
        "its recipe ",
    ),
    "the same command twice": (
        """
        from ganzoo import Command, hookimpl
        @hookimpl
        def ganzoo_commands():
            return [Command("draw", "ganzoo_broken:draw", "Draw.")] * 2
        """,
        "it provides the command 'draw' twice (in hook ganzoo_commands)",
    ),
    "a command that is a group": (
        """
        from ganzoo import Command, hookimpl
        @hookimpl
        def ganzoo_commands():
            yield Command("draw", "ganzoo_broken:draw", "Draw.")
            yield Command("draw twice", "ganzoo_broken:draw", "Draw.")
        """,
        "'draw' is both a command and a group of commands (in hook ganzoo_commands)",
    ),
    "a command that cannot be typed": (
        """
        from ganzoo import Command, hookimpl
        @hookimpl
        def ganzoo_commands():
            yield Command("--draw", "ganzoo_broken:draw", "Draw.")
        """,
        "a command is called '--draw'; expected words such as 'plot losses'",
    ),
    "a target without attribute": (
        """
        from ganzoo import Command, hookimpl
        @hookimpl
        def ganzoo_commands():
            yield Command("draw", "ganzoo_broken", "Draw.")
        """,
        "the command 'draw' has the target 'ganzoo_broken'; expected 'package.module:attribute'",
    ),
}


@pytest.mark.parametrize(("source", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_left_out_with_one_line_and_the_others_work(
    source: str, cause: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-broken", source, version="0.7")
    install("aa-cube", plugin("cube-before"))
    install("zz-cube", plugin("cube-after"))
    plugins, message = load_with_warning(load_plugins)
    assert message.startswith(f"plugin ganzoo-broken 0.7 was left out: {cause}")
    found = record(plugins, "ganzoo-broken")
    assert found.status == "failed"
    assert found.cause is not None
    assert found.cause.startswith(cause)
    assert (found.components, found.recipes, found.commands) == ([], [], [])
    assert not plugins.manager.has_plugin("ganzoo-broken")
    for name in ("cube-before", "cube-after"):
        assert TypeAdapter(Activation).validate_python(name).type == name


@pytest.mark.parametrize("source", [source for source, _ in BROKEN.values()], ids=BROKEN)
def test_strict_mode_makes_a_broken_plugin_fatal(
    source: str, install: Install, load_plugins: Load
) -> None:
    install("aa-cube", plugin("cube-before"))
    install("ganzoo-broken", source, version="0.7")
    with pytest.raises(PluginError) as raised:
        load_plugins(Selection(strict=True))
    message = str(raised.value)
    assert message.startswith("plugin ganzoo-broken 0.7 was left out: ")
    assert "\n" not in message
    assert raised.value.__cause__ is not None


def test_ctrl_c_while_a_plugin_is_imported_stops_the_program(
    install: Install, load_plugins: Load
) -> None:
    install("ganzoo-slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


@pytest.mark.parametrize(
    ("entry_point", "cause"),
    [
        ("ganzoo_broken:Cub", "AttributeError: module 'ganzoo_broken' has no attribute 'Cub'"),
        ("ganzoo_elsewhere", "ModuleNotFoundError: No module named 'ganzoo_elsewhere'"),
        ("ganzoo_broken.plugin", "ModuleNotFoundError: No module named 'ganzoo_broken.plugin'"),
        ("ganzoo broken!", "its entry point is 'ganzoo broken!', which is neither 'module' nor"),
        ("ganzoo_broken:Cube", "Cube is a class; a plugin is a module or an object"),
        (
            "ganzoo_broken:Literal",
            "typing.Literal is not a plugin: it implements no hook of ganzoo",
        ),
    ],
)
def test_an_entry_point_to_no_plugin_is_left_out(
    entry_point: str, cause: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-broken", plugin(), entry_points={"ganzoo-broken": entry_point})
    _, message = load_with_warning(load_plugins)
    assert message.startswith(f"plugin ganzoo-broken 1.0 was left out: {cause}")


def test_a_plugin_may_be_an_object(install: Install, load_plugins: Load) -> None:
    install(
        "ganzoo-object",
        plugin()
        + """
    class Everything:
        @hookimpl
        def ganzoo_components(self):
            return [Cube]

    everything = Everything()
    """,
        entry_points={"ganzoo-object": "ganzoo_object:everything"},
    )
    assert record(load_plugins(), "ganzoo-object").status == "active"


def test_one_module_is_not_two_plugins(install: Install, load_plugins: Load) -> None:
    install("ganzoo-a", plugin())
    install("ganzoo-b", "", entry_points={"ganzoo-b": "ganzoo_a"})
    plugins, message = load_with_warning(load_plugins)
    assert message == (
        "plugin ganzoo-b 1.0 was left out: the plugin ganzoo-a is the same module or object"
        " (importing ganzoo_a)"
    )
    assert record(plugins, "ganzoo-a").status == "active"


@pytest.mark.parametrize(
    "points",
    [
        {"a": "ganzoo_two_more", "ganzoo-two": "ganzoo_two"},
        {"A": "ganzoo_two", "b": "ganzoo_two_more"},
    ],
)
def test_of_two_entry_points_the_one_named_as_the_distribution_counts_or_else_the_first(
    points: dict[str, str], install: Install, load_plugins: Load
) -> None:
    install("ganzoo-two", plugin(), entry_points=points)
    plugins, message = load_with_warning(load_plugins)
    (unused,) = [name for name, module in points.items() if module == "ganzoo_two_more"]
    assert message.startswith(f"plugin ganzoo-two 1.0: its entry point {unused!r} is not used")
    found = record(plugins, "ganzoo-two")
    assert (found.status, found.module) == ("active", "ganzoo_two")
    with pytest.raises(PluginError, match="is not used"):
        load_plugins(Selection(strict=True))


# What is damaged.


@pytest.mark.parametrize(
    ("requirement", "cause"),
    [
        ("ganzoo>=9", "it needs ganzoo>=9, and ganzoo 0.2.0 is installed"),
        ("GanZoo (<0.2)", "it needs ganzoo<0.2, and ganzoo 0.2.0 is installed"),
        ("ganzoo>>9", "its requirement 'ganzoo>>9' cannot be read"),
    ],
)
def test_a_plugin_for_another_version_of_ganzoo_is_not_even_imported(
    requirement: str, cause: str, install: Install, load_plugins: Load, monkeypatch: Any
) -> None:
    monkeypatch.setattr("ganzoo.plugins.discovery.metadata.version", lambda name: "0.2.0")
    folder = install("ganzoo-newer", "raise AttributeError('of later versions')")
    add_metadata(folder, f"Requires-Dist: {requirement}")
    _, message = load_with_warning(load_plugins)
    assert message == f"plugin ganzoo-newer 1.0 was left out: {cause}"
    assert "ganzoo_newer" not in sys.modules


@pytest.mark.parametrize(
    "requirement",
    [
        "ganzoo",
        "ganzoo>=0.2",
        "ganzoo >= 0.2.0",
        "ganzoo>=0.2.0.0",
        "ganzoo<1,>=0.0.9",
        "ganzoo>=9; extra == 'later'",
        "ganzoo>=9; python_version < '3'",
        "ganzoo-more>=9",
    ],
)
def test_a_requirement_that_is_met_is_no_matter(
    requirement: str, install: Install, load_plugins: Load, monkeypatch: Any
) -> None:
    monkeypatch.setattr("ganzoo.plugins.discovery.metadata.version", lambda name: "0.2.0")
    folder = install("ganzoo-cube", plugin())
    add_metadata(folder, f"Requires-Dist: {requirement}")
    assert record(load_plugins(), "ganzoo-cube").status == "active"


def add_metadata(folder: Path, line: str) -> None:
    (file,) = folder.glob("*.dist-info/METADATA")
    file.write_text(file.read_text("utf-8") + f"{line}\n", "utf-8")


@pytest.mark.parametrize(
    ("text", "missing", "version"),
    [
        (None, "no Name and no Version", "unknown"),
        ("", "no Name and no Version", "unknown"),
        ("Name: ganzoo-damaged\n", "no Version", "unknown"),
        ("Version: 1.0\n", "no Name", "1.0"),
    ],
)
def test_damaged_metadata_are_named_by_the_entry_point(
    text: str | None, missing: str, version: str, install: Install, load_plugins: Load
) -> None:
    folder = install("ganzoo-damaged", plugin())
    (file,) = folder.glob("*.dist-info/METADATA")
    file.unlink() if text is None else file.write_text(text, "utf-8")
    _, message = load_with_warning(load_plugins)
    assert message == (
        f"plugin ganzoo-damaged {version} was left out: its metadata in {folder} have {missing};"
        " reinstall it"
    )


def test_damaged_metadata_do_not_hide_a_plugin_that_is_whole(
    install: Install, load_plugins: Load
) -> None:
    install("ganzoo-cube", plugin(), version="2.0")
    leftover = install("ganzoo-cube", plugin(), version="1.0")
    (leftover / "ganzoo_cube-1.0.dist-info" / "METADATA").unlink()
    assert record(load_plugins(), "ganzoo-cube").version == "2.0"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[ganzoo]\nganzoo_broken\n", "its entry_points.txt cannot be read"),
        ("[ganzoo]\n[other]\na = b\n", "the group [ganzoo] of its entry_points.txt is empty"),
    ],
)
def test_entry_points_that_cannot_be_read_harm_no_other_plugin(
    text: str, cause: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-cube", plugin())
    folder = install("ganzoo-broken", "")
    (file,) = folder.glob("*.dist-info/entry_points.txt")
    file.write_text(text, "utf-8")
    plugins, message = load_with_warning(load_plugins)
    assert message.startswith(f"plugin ganzoo-broken 1.0 was left out: {cause}")
    assert record(plugins, "ganzoo-cube").status == "active"


# What is said while plugins load.


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_plugin_prints_goes_to_standard_error(
    fails: bool, install: Install, load_plugins: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
    import sys
    print("welcome")
    sys.stdout.reconfigure(errors="replace")
    sys.stdout.buffer.write(b"to loud")
    """
    asked = plugin().replace("return [Cube]", "print('asked'); return [Cube]")
    install("ganzoo-loud", source + ("sys.exit()" if fails else asked))
    if fails:
        load_with_warning(load_plugins)
    else:
        assert record(load_plugins(), "ganzoo-loud").status == "active"
    out, err = capsys.readouterr()
    assert out == ""
    assert "welcome" in err
    assert "to loud" in err
    assert fails or "asked" in err


def test_what_a_plugin_prints_in_a_run_goes_to_standard_error(
    install: Install, load_plugins: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_run_finished():
            print("goodbye")
        """
    install("ganzoo-loud", source)
    plugins = load_plugins(Selection(only=frozenset({"ganzoo-loud"})))
    announce_a_run(plugins)
    assert capsys.readouterr() == ("", "goodbye\n")


def test_what_a_plugin_warns_of_is_passed_on_and_not_fatal(
    install: Install, load_plugins: Load
) -> None:
    source = "import warnings; warnings.warn('old things', UserWarning)\n" + dedent(plugin())
    install("ganzoo-old", source)
    with pytest.warns(UserWarning, match="old things"):
        plugins = load_plugins(Selection(strict=True))
    assert record(plugins, "ganzoo-old").status == "active"


def test_a_plugin_that_imports_torch_is_told_that_it_costs_time(
    install: Install, load_plugins: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    folder = install("ganzoo-heavy", "import torch\n" + dedent(plugin()))
    (folder / "torch.py").write_text("", "utf-8")
    plugins, message = load_with_warning(load_plugins)
    assert message.startswith("plugin ganzoo-heavy 1.0: it imports torch while it is loaded")
    assert record(plugins, "ganzoo-heavy").status == "active"


def test_the_time_a_plugin_takes_is_kept(install: Install, load_plugins: Load) -> None:
    install("ganzoo-slow", "import time; time.sleep(0.05)\n" + dedent(plugin()))
    install("ganzoo-slower", "import time; time.sleep(0.05); raise ValueError")
    plugins, _ = load_with_warning(load_plugins)
    assert record(plugins, "ganzoo-slow").seconds >= 0.05
    assert record(plugins, "ganzoo-slower").seconds >= 0.05


def test_hooks_of_later_versions_may_be_marked_as_optional(
    install: Install, load_plugins: Load
) -> None:
    install(
        "ganzoo-cube",
        plugin()
        + """
    @hookimpl(optionalhook=True)
    def ganzoo_moon_rose(moon):
        raise AssertionError
    """,
    )
    assert record(load_plugins(), "ganzoo-cube").hooks == ["ganzoo_components"]


def test_two_plugins_with_one_name_are_both_active_and_the_name_is_ambiguous(
    install: Install, load_plugins: Load
) -> None:
    install("ganzoo-a", plugin())
    install("ganzoo-b", plugin())
    plugins = load_plugins()
    assert [record(plugins, name).status for name in ("ganzoo-a", "ganzoo-b")] == ["active"] * 2
    with pytest.raises(LookupError, match="write 'ganzoo-a:cube' or 'ganzoo-b:cube'"):
        plugins.registry.find("activation", "cube")
    assert plugins.registry.find("activation", "ganzoo-b:cube").provider.name == "ganzoo-b"
    assert plugins.registry.find("loss", "bce").provider.name == "ganzoo"


def test_a_hook_may_be_implemented_under_another_name(install: Install, load_plugins: Load) -> None:
    source = plugin().replace("@hookimpl", '@hookimpl(specname="ganzoo_components")')
    install("ganzoo-cube", source.replace("def ganzoo_components", "def everything"))
    load_plugins()
    assert TypeAdapter(Activation).validate_python("cube").type == "cube"


# Local files.


@pytest.fixture
def path(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore what loading local files does to the path, and forget their modules."""
    del install  # it forgets the modules of the test
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("path")
def test_a_local_file_is_a_plugin_named_by_its_stem(tmp_path: Path, load_plugins: Load) -> None:
    file = tmp_path / "my_cube.py"
    file.write_text("import my_neighbour\n" + dedent(plugin()), "utf-8")
    (tmp_path / "my_neighbour.py").write_text("", "utf-8")
    plugins = load_plugins()
    plugins.load_file(file)
    assert plugins.registry.find("activation", "cube").provider == Provider("my_cube", "local")
    assert plugins.registry.find("activation", "my_cube:cube").name == "cube"
    with pytest.raises(PluginError, match="a plugin called 'my_cube' is loaded; rename the file"):
        plugins.load_file(file)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("name", "source", "cause"),
    [
        ("nowhere.py", None, "it is not a file"),
        ("cube.txt", "", r"its name must end in \.py"),
        ("json.py", "", "another module is called 'json'; rename the file"),
        ("ganzoo.py", "", "a plugin called 'ganzoo' is loaded; rename the file"),
        ("local_broken.py", "raise OSError('oops')", "OSError: oops"),
        ("local_empty.py", "", "is not a plugin: it implements no hook of ganzoo"),
    ],
)
def test_a_local_file_that_cannot_be_loaded_is_an_error(
    name: str, source: str | None, cause: str, tmp_path: Path, load_plugins: Load
) -> None:
    if source is not None:
        (tmp_path / name).write_text(source, "utf-8")
    plugins = load_plugins()
    with pytest.raises(PluginError, match=cause) as raised:
        plugins.load_file(tmp_path / name)
    assert str(raised.value).startswith(str(tmp_path / name))


# What is chosen.


def test_the_environment_says_which_plugins_are_wanted() -> None:
    assert Selection.from_environment({}) == Selection()
    assert Selection.from_environment(
        {
            "GANZOO_PLUGINS": " ganzoo-a, ganzoo_b;",
            "GANZOO_DISABLE_PLUGINS": "ganzoo-c",
            "GANZOO_PLUGIN_FILES": os.pathsep.join(("a.py", "b/c.py")),
            "GANZOO_STRICT_PLUGINS": "1",
        }
    ) == Selection(
        only=frozenset({"ganzoo-a", "ganzoo-b"}),
        disabled=frozenset({"ganzoo-c"}),
        files=(Path("a.py"), Path("b/c.py")),
        strict=True,
    )
    assert Selection.from_environment({"GANZOO_PLUGINS": ""}).only == frozenset()
    assert Selection.from_environment({"GANZOO_STRICT_PLUGINS": "0"}).strict is False


@pytest.mark.parametrize(
    ("environment", "cause"),
    [
        ({"GANZOO_PLUGINS": ""}, "not in GANZOO_PLUGINS"),
        ({"GANZOO_PLUGINS": "ganzoo-mlp"}, "not in GANZOO_PLUGINS"),
        ({"GANZOO_DISABLE_PLUGINS": "ganzoo-cube,ganzoo-mlp"}, "disabled"),
    ],
)
def test_a_plugin_that_is_not_wanted_is_not_even_imported(
    environment: dict[str, str], cause: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-cube", "raise RuntimeError('imported')")
    plugins = load_plugins(Selection.from_environment(environment))
    found = record(plugins, "ganzoo-cube")
    assert (found.status, found.cause) == ("disabled", cause)
    assert "ganzoo_cube" not in sys.modules
    assert record(plugins, "ganzoo").status == "active"


def test_only_the_plugins_listed_are_loaded(install: Install, load_plugins: Load) -> None:
    install("ganzoo-cube", plugin())
    plugins = load_plugins(Selection(only=frozenset({"ganzoo-cube"})))
    active = [each.name for each in plugins.records if each.status == "active"]
    assert active == ["ganzoo", "ganzoo-cube"]


@pytest.mark.parametrize("variable", ["GANZOO_PLUGINS", "GANZOO_DISABLE_PLUGINS"])
@pytest.mark.parametrize("name", ["ganzoo-cub", "ganzoo"])
def test_unknown_names_of_plugins_are_warned_of(
    variable: str, name: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-cube", plugin())
    _, message = load_with_warning(load_plugins, Selection.from_environment({variable: name}))
    assert message.startswith(f"no plugin is called {name!r}; did you mean 'ganzoo-")


def test_the_environment_is_read_before_the_first_import_of_a_process(
    tmp_path: Path, install: Install
) -> None:
    """The whole way: environment, entry points, one line on standard error, and a usable process."""
    install("ganzoo-off", "raise SystemExit('imported')")
    broken = install("ganzoo-broken", "import ganzoo_nothing")
    code = """
import sys
from ganzoo.plugins import installed
statuses = {each.name: each.status for each in installed().records}
assert statuses["ganzoo-off"] == "disabled", statuses
assert statuses["ganzoo-broken"] == "failed", statuses
assert installed() is installed()
assert "ganzoo_off" not in sys.modules
"""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(broken), str(broken.with_name("site-ganzoo-off-1.0"))]),
        "GANZOO_DISABLE_PLUGINS": "ganzoo-off",
        "GANZOO_STRICT_PLUGINS": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("PluginWarning") == 1
    strict = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "GANZOO_STRICT_PLUGINS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ganzoo.errors.PluginError: plugin ganzoo-broken 1.0 was left out" in strict.stderr


# Names of packages that are not there.


@pytest.mark.parametrize(
    ("selection", "reason"),
    [(Selection(disabled=frozenset({"ganzoo-mlp"})), "is disabled")],
)
def test_a_name_of_a_plugin_that_is_left_out_names_it_and_says_why(
    selection: Selection, reason: str, load_plugins: Load
) -> None:
    plugins = load_plugins(selection)
    with pytest.raises(
        UnknownNameError, match=f"comes with the package ganzoo-mlp, which {reason}"
    ):
        plugins.registry.find("generator", "mlp")


def test_a_name_of_a_package_that_is_not_installed_names_the_package(
    load_plugins: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.distributions", lambda: iter([]))
    plugins = load_plugins()
    assert [each.name for each in plugins.records] == ["ganzoo"]
    for family, name, package in (
        ("generator", "dcgan", "ganzoo-dcgan"),
        ("activation", "leaky_relu", "ganzoo-activations"),
        ("dataset", "mnist-5k", "ganzoo-digits"),
    ):
        with pytest.raises(UnknownNameError) as raised:
            plugins.registry.find(family, name)
        assert str(raised.value) == (
            f"{name!r} comes with the package {package}, which is not installed"
        )


# The life of a run.


class Listener:
    """Writes down what it is told, and takes only the arguments it wants."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def ganzoo_run_started(self, total_steps: int) -> None:
        self.heard.append(total_steps)

    @hookimpl
    def ganzoo_step_finished(self, metrics: dict[str, float], step: int) -> None:
        self.heard.append((step, metrics))

    @hookimpl
    def ganzoo_run_finished(self) -> None:
        self.heard.append("finished")


class Failing:
    """Fails at each step."""

    @hookimpl
    def ganzoo_step_finished(self) -> None:
        raise ValueError("disk\nfull")


def announce_a_run(plugins: Plugins) -> None:
    run = RunDirectory(Path("runs/x-1"))
    plugins.announce("ganzoo_run_started", run=run, step=0, total_steps=9)
    plugins.announce("ganzoo_step_finished", run=run, step=3, total_steps=9, metrics={"loss": 1.0})
    plugins.announce("ganzoo_run_finished", run=run, step=9, total_steps=9, completed=True)


def said_of(caught: pytest.WarningsRecorder, name: str) -> list[str]:
    """Return the warnings that name a package: others miss the run, which is not there."""
    return [text for text in (str(each.message) for each in caught) if name in text]


HEARD = [9, (3, {"loss": 1.0}), "finished"]


def test_listeners_hear_the_events_inside_the_block_and_not_after() -> None:
    plugins, first, second = Plugins(), Listener(), Listener()
    with plugins.listening(first, second):
        announce_a_run(plugins)
    announce_a_run(plugins)
    assert first.heard == second.heard == HEARD


def test_listeners_are_forgotten_after_an_exception_too() -> None:
    plugins, listener = Plugins(), Listener()

    def fail() -> None:
        with plugins.listening(listener):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    announce_a_run(plugins)
    assert listener.heard == []


def test_a_listener_that_fails_is_warned_of_and_stops_no_other() -> None:
    plugins, before, after = Plugins(), Listener(), Listener()
    with plugins.listening(before, Failing(), after), pytest.warns(PluginWarning) as caught:
        announce_a_run(plugins)
    assert [str(each.message) for each in caught] == [
        "listener Failing failed in ganzoo_step_finished: ValueError: disk full"
    ]
    assert before.heard == after.heard == HEARD


def test_a_plugin_that_fails_in_a_run_is_named_with_its_version(
    install: Install, load_plugins: Load
) -> None:
    install(
        "ganzoo-failing",
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_run_started(run):
            raise OSError(f"{run.path} is full")
        """,
    )
    listener = Listener()
    plugins = load_plugins()
    with plugins.listening(listener), pytest.warns(PluginWarning) as caught:
        announce_a_run(plugins)
    assert said_of(caught, "ganzoo-failing") == [
        "plugin ganzoo-failing 1.0 failed in ganzoo_run_started: OSError: runs/x-1 is full"
    ]
    assert listener.heard == HEARD


def test_strict_mode_makes_a_failing_listener_fatal() -> None:
    plugins = Plugins(Selection(strict=True))
    with plugins.listening(Failing()), pytest.raises(PluginError, match="failed in ganzoo_step"):
        announce_a_run(plugins)


def test_a_listener_with_a_misspelt_hook_is_refused_and_the_ones_before_it_forgotten() -> None:
    class Misspelt:
        @hookimpl
        def ganzoo_step_finish(self) -> None:
            raise AssertionError

    plugins, listener = Plugins(), Listener()
    with (
        pytest.raises(
            AttributeError, match="'ganzoo_step_finish' is not a hook of ganzoo; did you mean"
        ),
        plugins.listening(listener, Misspelt()),
    ):
        pass
    announce_a_run(plugins)
    assert listener.heard == []


def test_the_plugins_of_this_environment_all_load() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugins = Plugins(Selection(strict=True))
        plugins.load_core()
        plugins.load_installed()
    assert {each.status for each in plugins.records} == {"active"}


def test_listeners_are_called_in_the_order_pluggy_promises() -> None:
    calls: list[str] = []

    class First:
        @hookimpl(tryfirst=True)
        def ganzoo_checkpoint_saved(self) -> None:
            calls.append("first")

    class Plain:
        @hookimpl
        def ganzoo_checkpoint_saved(self) -> None:
            calls.append("plain")

    class Last:
        @hookimpl(trylast=True)
        def ganzoo_checkpoint_saved(self) -> None:
            calls.append("last")

    plugins = Plugins()
    with plugins.listening(Plain(), Last(), First()):
        plugins.announce("ganzoo_checkpoint_saved", run=None, step=1, path=None)
    assert calls == ["first", "plain", "last"]


def test_wrappers_and_unknown_arguments_of_hooks_are_refused() -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def ganzoo_checkpoint_saved(self) -> Iterator[None]:
            yield

    class Greedy:
        @hookimpl
        def ganzoo_checkpoint_saved(self, weather: str) -> None: ...

    plugins = Plugins()
    with pytest.raises(AttributeError, match="wrappers of hooks"), plugins.listening(Wrapper()):
        pass
    with pytest.raises(AttributeError, match="weather"), plugins.listening(Greedy()):
        pass


def test_a_plugin_that_ends_the_program_in_a_run_only_fails_and_a_listener_may(
    install: Install, load_plugins: Load
) -> None:
    install(
        "ganzoo-failing",
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_run_started():
            raise SystemExit(3)
        """,
    )

    class Ending:
        @hookimpl
        def ganzoo_run_finished(self) -> None:
            raise SystemExit(4)

    plugins = load_plugins()
    with pytest.warns(PluginWarning) as caught:
        announce_a_run(plugins)
    assert said_of(caught, "ganzoo-failing") == [
        "plugin ganzoo-failing 1.0 failed in ganzoo_run_started: it tried to end the program with"
        " exit code 3"
    ]
    plugins = Plugins()
    with plugins.listening(Ending()), pytest.raises(SystemExit):
        announce_a_run(plugins)


def test_ctrl_c_while_a_plugin_listens_stops_the_run(install: Install, load_plugins: Load) -> None:
    install(
        "ganzoo-waiting",
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_run_started():
            raise KeyboardInterrupt
        """,
    )
    plugins = load_plugins()
    with pytest.raises(KeyboardInterrupt):
        announce_a_run(plugins)


def test_filters_of_all_warnings_do_not_silence_what_is_said_of_others(
    install: Install, load_plugins: Load
) -> None:
    install("ganzoo-aaa", "import warnings\nwarnings.filterwarnings('ignore')\n" + dedent(plugin()))
    install("ganzoo-bbb", "raise ValueError('broken')")
    _, message = load_with_warning(load_plugins)
    assert message.startswith("plugin ganzoo-bbb 1.0 was left out: ValueError: broken")


def test_what_listeners_are_told_cannot_be_changed_for_the_next(
    install: Install, load_plugins: Load
) -> None:
    source = """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_step_finished(metrics):
            metrics["loss"] = 0.0
        """
    install("ganzoo-meddler", source)
    plugins = load_plugins(Selection(only=frozenset({"ganzoo-meddler"})))
    metrics = {"loss": 1.0}
    with pytest.warns(PluginWarning, match="ganzoo-meddler 1.0 failed in ganzoo_step_finished"):
        plugins.announce("ganzoo_step_finished", run=None, step=1, total_steps=2, metrics=metrics)
    assert metrics == {"loss": 1.0}
