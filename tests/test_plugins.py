"""Finding, loading, isolating and naming plugins: with real metadata, as a package manager leaves it."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from ganzoo import hookimpl
from ganzoo.components import Activation
from ganzoo.errors import PluginError, PluginWarning
from ganzoo.hookspecs import Command
from ganzoo.plugins import PluginRecord, Plugins, Selection
from ganzoo.registry import UnknownNameError
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
        "AttributeError: there is no hook 'ganzoo_component'; did you mean 'ganzoo_components'?",
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
        "TypeError: 'NoneType' object is not iterable (in hook ganzoo_components)",
    ),
    "no component": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_components():
            return [int]
        """,
        "TypeError: <class 'int'> is no component class (in hook ganzoo_components)",
    ),
    "a family": (
        """
        from ganzoo import hookimpl
        from ganzoo.components import Loss
        @hookimpl
        def ganzoo_components():
            return [Loss]
        """,
        "TypeError: Loss is a family, not a member of one (in hook ganzoo_components)",
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
        "TypeError: Odd is a family, not a member of one (in hook ganzoo_components)",
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
        "TypeError: Odd has no default for its 'type' (in hook ganzoo_components)",
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
        "TypeError: Odd does not implement build (in hook ganzoo_components)",
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
        "ValueError: the name 'bce' of its loss is the core's own (in hook ganzoo_components)",
    ),
    "the same name twice": (
        plugin() + "    class Again(Cube):\n        pass\n"
        "    @hookimpl\n    def ganzoo_components():\n        return [Cube, Again]\n",
        "ValueError: it brings two of the family activation called 'cube'",
    ),
    "no recipe file": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_recipes():
            return ["nowhere.json"]
        """,
        "FileNotFoundError: there is no file nowhere.json (in hook ganzoo_recipes)",
    ),
    "no command": (
        """
        from ganzoo import hookimpl
        @hookimpl
        def ganzoo_commands():
            return ["draw"]
        """,
        "TypeError: 'draw' is no ganzoo.Command (in hook ganzoo_commands)",
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


@pytest.mark.parametrize(
    ("entry_point", "cause"),
    [
        ("ganzoo_broken:nothing", "AttributeError: module 'ganzoo_broken' has no attribute"),
        ("ganzoo_elsewhere", "ModuleNotFoundError: No module named 'ganzoo_elsewhere'"),
    ],
)
def test_an_entry_point_to_nothing_is_left_out(
    entry_point: str, cause: str, install: Install, load_plugins: Load
) -> None:
    install("ganzoo-broken", plugin(), entry_points={"ganzoo-broken": entry_point})
    _, message = load_with_warning(load_plugins)
    assert message.startswith(f"plugin ganzoo-broken 1.0 was left out: {cause}")


def test_a_second_entry_point_of_a_distribution_does_not_harm_the_first(
    install: Install, load_plugins: Load
) -> None:
    folder = install(
        "ganzoo-two",
        plugin(),
        entry_points={"a": "ganzoo_two", "b": "ganzoo_two_more"},
    )
    (folder / "ganzoo_two_more.py").write_text("", encoding="utf-8")
    plugins, message = load_with_warning(load_plugins)
    assert message == (
        "plugin ganzoo-two 1.0 was left out: ValueError: ganzoo-two has a second entry point in the"
        " group 'ganzoo'"
    )
    assert [each.status for each in plugins.records if each.name == "ganzoo-two"] == [
        "active",
        "failed",
    ]
    assert plugins.manager.has_plugin("ganzoo-two")
    assert TypeAdapter(Activation).validate_python("cube").type == "cube"


def test_strict_mode_makes_a_broken_plugin_fatal(install: Install, load_plugins: Load) -> None:
    install("ganzoo-broken", "raise RuntimeError('oops')")
    with pytest.raises(
        PluginError, match=r"^plugin ganzoo-broken 1\.0 was left out: .*oops$"
    ) as raised:
        load_plugins(Selection(strict=True))
    assert isinstance(raised.value.__cause__, RuntimeError)


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


# What is chosen.


def test_the_environment_says_which_plugins_are_wanted() -> None:
    assert Selection.from_environment({}) == Selection()
    assert Selection.from_environment(
        {
            "GANZOO_PLUGINS": " ganzoo-a, ganzoo_b;",
            "GANZOO_DISABLE_PLUGINS": "ganzoo-c",
            "GANZOO_STRICT_PLUGINS": "1",
        }
    ) == Selection(frozenset({"ganzoo-a", "ganzoo-b"}), frozenset({"ganzoo-c"}), strict=True)
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
def test_names_of_no_plugin_are_warned_of(
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
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])
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
    plugins.announce("ganzoo_run_finished", run=run, step=9, completed=True)


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
    assert [str(each.message) for each in caught] == [
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
        pytest.raises(AttributeError, match="no hook 'ganzoo_step_finish'; did you mean"),
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
    with pytest.raises(TypeError, match="wrappers of hooks"), plugins.listening(Wrapper()):
        pass
    with pytest.raises(AttributeError, match="weather"), plugins.listening(Greedy()):
        pass
