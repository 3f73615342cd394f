"""Every way in which a plugin can fail, all at once, in one environment: the program works on.

The plugins are wheels that were installed as users install them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wheelhouse import installer, write_wheel

VERSION = "0.7"

HEADER = """
import sys, time, warnings
from pathlib import Path
from typing import Any, Literal
from pydantic import Field
from ganzoo import Command, hookimpl
from ganzoo.components import Activation

class Base(Activation):
    '''A pretended activation.'''
    def build(self):
        raise NotImplementedError
"""

CUBE = """
class Cube(Base):
    type: Literal["{name}"] = "{name}"

@hookimpl
def ganzoo_components():
    return [Cube]
"""


def cube(name: str) -> str:
    """Return the source of a plugin with one activation."""
    return CUBE.replace("{name}", name)


@dataclass(frozen=True)
class Fault:
    """A plugin that is not as it should be.

    Attributes:
        source: its module, after the imports that all have.
        causes: what the warnings of each command say of it, one each.
        status: what becomes of it.
        entry_points: other than the usual one.
        metadata: more lines of its metadata.
        files: more files.
    """

    source: str
    causes: tuple[str, ...]
    status: str = "failed"
    entry_points: dict[str, str] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


FAULTS = {
    "ganzoo-absent": Fault(
        "",
        ("ModuleNotFoundError: No module named 'ganzoo_nowhere' (importing ganzoo_nowhere)",),
        entry_points={"ganzoo-absent": "ganzoo_nowhere"},
    ),
    "ganzoo-attribute": Fault(
        "plugin = object()",
        ("AttributeError: module 'ganzoo_attribute' has no attribute 'plugn'",),
        entry_points={"ganzoo-attribute": "ganzoo_attribute:plugn"},
    ),
    "ganzoo-number": Fault(
        "answer = 42",
        ("42 is not a plugin: it implements no hook of ganzoo",),
        entry_points={"ganzoo-number": "ganzoo_number:answer"},
    ),
    "ganzoo-import": Fault(
        "import ganzoo_no_such_dependency",
        (
            "ModuleNotFoundError: No module named 'ganzoo_no_such_dependency' (importing ganzoo_import)",
        ),
    ),
    "ganzoo-misspelt": Fault(
        "@hookimpl\ndef ganzoo_component():\n    return []",
        ("'ganzoo_component' is not a hook of ganzoo; did you mean 'ganzoo_components'?",),
    ),
    "ganzoo-int": Fault(
        "@hookimpl\ndef ganzoo_components():\n    return [int]",
        ("<class 'int'> is not a component class (in hook ganzoo_components)",),
    ),
    "ganzoo-twice": Fault(
        cube("twin").replace("[Cube]", "[Cube, type('Again', (Cube,), {'__module__': __name__})]"),
        ("it provides the activation 'twin' twice (in hook ganzoo_components)",),
    ),
    "ganzoo-none": Fault(
        "@hookimpl\ndef ganzoo_components():\n    pass",
        ("it returned nothing; expected a list (in hook ganzoo_components)",),
    ),
    "ganzoo-midway": Fault(
        cube("midway").replace("return [Cube]", "yield Cube\n    raise OSError('disk on fire')"),
        ("OSError: disk on fire (in hook ganzoo_components)",),
    ),
    "ganzoo-newer": Fault(
        "raise AttributeError('what only later versions have')",
        ("it needs ganzoo>=9, and ganzoo ",),
        metadata=("Requires-Dist: ganzoo>=9",),
    ),
    "ganzoo-exit": Fault("sys.exit(5)", ("it tried to end the program with exit code 5",)),
    "ganzoo-base": Fault(
        "class Odd(BaseException):\n    pass\nraise Odd('strange')",
        ("Odd: strange (importing ganzoo_base)",),
    ),
    "ganzoo-recipe": Fault(
        "@hookimpl\ndef ganzoo_recipes():\n    return [Path(__file__).with_name('ganzoo_bad.json')]",
        (
            "ganzoo_bad.json is not JSON: Expecting value at line 1, column 10 (in hook ganzoo_recipes)",
        ),
        files={"ganzoo_bad.json": '{"name": oops}'},
    ),
    "ganzoo-nameless": Fault(cube("nameless"), ("have no Name and no Version; reinstall it",)),
    "ganzoo-loud": Fault(
        "print('[]')\nprint('hello')\n" + cube("loud").replace("return", "print('asked'); return"),
        (),
        status="active",
    ),
    "ganzoo-warning": Fault(
        "warnings.warn('numbers are old', FutureWarning)\n" + cube("warning"),
        (),
        status="active",
    ),
    "ganzoo-points": Fault(
        cube("points"),
        ("its entry point 'aaa' is not used: a plugin has one, and it is 'ganzoo-points'",),
        status="active",
        entry_points={"aaa": "ganzoo_nowhere", "ganzoo-points": "ganzoo_points"},
    ),
    # What nothing is to be said of before it is used.
    "ganzoo-slow": Fault("time.sleep(0.05)\n" + cube("slow"), (), status="active"),
    "ganzoo-one": Fault(cube("square"), (), status="active", entry_points={"shapes": "ganzoo_one"}),
    "ganzoo-two": Fault(cube("square"), (), status="active", entry_points={"shapes": "ganzoo_two"}),
    "ganzoo-target": Fault(
        "@hookimpl\ndef ganzoo_commands():\n"
        "    return [Command('vanish', 'ganzoo_target:missing', 'Do nothing.')]",
        (),
        status="active",
    ),
    "ganzoo-schema": Fault(
        cube("unwritable").replace(
            "@hookimpl", "    thing: Any = Field(default=object())\n@hookimpl"
        ),
        (),
        status="active",
    ),
    "ganzoo-events": Fault(
        "@hookimpl\ndef ganzoo_run_started(run):\n    raise ValueError('no connection')\n"
        "@hookimpl\ndef ganzoo_step_finished():\n    raise SystemExit(4)",
        (),
        status="active",
    ),
    "ganzoo-good": Fault(
        "import click\n" + cube("good") + "@hookimpl\ndef ganzoo_commands():\n"
        "    return [Command('greet', 'ganzoo_good:greet', 'Say hello.')]\n"
        "@click.command()\ndef greet():\n    click.echo('hello')\n"
        "@hookimpl\ndef ganzoo_recipes():\n"
        "    return [Path(__file__).with_name('good.json')]",
        (),
        status="active",
        files={"good.json": '{"name": "good", "description": "A good one."}'},
    ),
    # What stays out of the way unless a test asks for it.
    "ganzoo-torch": Fault("import torch\n" + cube("heavy"), (), status="disabled"),
    "ganzoo-interrupt": Fault("raise KeyboardInterrupt", (), status="disabled"),
}

DISABLED = [name for name, fault in FAULTS.items() if fault.status == "disabled"]

EXPECTED = [(name, cause) for name, fault in FAULTS.items() for cause in fault.causes]
"""What every command that loads plugins warns of."""


def version_of(name: str) -> str:
    """Return the version that warnings give."""
    return "unknown" if name == "ganzoo-nameless" else VERSION


def names(line: str, name: str, cause: str) -> bool:
    """Say whether a line of standard error names a plugin, its version and the cause."""
    return line.startswith(f"warning: plugin {name} {version_of(name)}") and cause in line


@dataclass(frozen=True)
class Program:
    """The program, in the environment with all those plugins."""

    python: Path
    folder: Path

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV", "GANZOO_"))
        }
        cache = {name: os.environ[name] for name in ("GANZOO_CACHE",) if name in os.environ}
        disabled = {"GANZOO_DISABLE_PLUGINS": ",".join(DISABLED), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [str(self.python), "-m", "ganzoo", *words],
            cwd=self.folder,
            env={**inherited, **cache, **disabled, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Install all wheels in a new environment, beside the development environment's packages."""
    folder = tmp_path_factory.mktemp("outside")
    builder = venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False)
    builder.create(folder / "env")
    context = builder.ensure_directories(folder / "env")
    variables = {"base": context.env_dir, "platbase": context.env_dir}
    site_packages = Path(sysconfig.get_path("purelib", "venv", variables))
    python = Path(context.env_exe)
    wheels = []
    for name, fault in FAULTS.items():
        module = name.replace("-", "_")
        wheels.append(
            write_wheel(
                folder,
                name,
                VERSION,
                {f"{module}.py": HEADER + fault.source, **fault.files},
                entry_points=fault.entry_points or {name: module},
                metadata=fault.metadata,
            )
        )
    subprocess.run([*installer(python), *map(str, wheels)], check=True, capture_output=True)
    # No package manager installs this; an interrupted one leaves it behind.
    (site_packages / f"ganzoo_nameless-{VERSION}.dist-info" / "METADATA").write_text("")
    others = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    lines = [f"import site; site.addsitedir({other!r})" for other in others]
    (site_packages / "others.pth").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return Program(python, folder)


def check_warnings(lines: list[str], *more: tuple[str, str]) -> None:
    """Check that each fault is a line that names it, and that there is no other warning."""
    for name, cause in [*EXPECTED, *more]:
        assert len([line for line in lines if names(line, name, cause)]) == 1, (name, cause, lines)
    lines = [line for line in lines if line.startswith("warning: ")]
    assert len(lines) == len(EXPECTED) + len(more), lines


def test_components_are_listed_and_each_fault_is_named(program: Program) -> None:
    done = program("list", "activation", "--json")
    assert done.returncode == 0, done.stderr
    listed = {each["qualified_name"] for each in json.loads(done.stdout)}
    working = {"loud", "warning", "points", "slow", "good"}
    assert listed >= {f"ganzoo-{name}:{name}" for name in working}
    assert listed >= {"ganzoo-one:square", "ganzoo-two:square"}
    assert not {each for each in listed if each.endswith((":twin", ":midway", ":nameless"))}
    lines = done.stderr.splitlines()
    check_warnings(lines)
    printed, warned = lines.index("[]"), "FutureWarning: numbers are old"
    assert lines[printed : printed + 3] == ["[]", "hello", "asked"]
    assert len([line for line in lines if warned in line and "ganzoo_warning.py" in line]) == 1


def test_what_became_of_each_plugin_is_listed(program: Program) -> None:
    done = program("plugins", "list", "--all", "--json")
    assert done.returncode == 0, done.stderr
    listed = {each["name"]: each for each in json.loads(done.stdout)}
    statuses = {name: listed[name]["status"] for name in FAULTS}
    assert statuses == {name: fault.status for name, fault in FAULTS.items()}
    for name, fault in FAULTS.items():
        assert listed[name]["version"] == version_of(name)
        said = listed[name]["warnings"] if fault.status == "active" else [listed[name]["cause"]]
        for cause in fault.causes:
            assert any(cause in each for each in said), (name, said)
    assert listed["ganzoo-slow"]["seconds"] >= 0.05
    assert listed["ganzoo-events"]["listens_to"] == ["ganzoo_run_started", "ganzoo_step_finished"]
    check_warnings(done.stderr.splitlines())


def test_specs_are_checked(program: Program) -> None:
    done = program("validate", "digits", "mlp-mnist")
    assert (done.returncode, done.stdout) == (0, "digits: valid\nmlp-mnist: valid\n"), done.stderr
    check_warnings(done.stderr.splitlines())


def test_a_recipe_runs_though_listeners_fail_and_torch_was_imported_too_early(
    program: Program,
) -> None:
    settings = {
        "training.duration": "2 steps",
        "training.batch_size": 8,
        "generator.channels": 8,
        "discriminator.channels": 8,
        "output.samples": 10,
        "device": "cpu",
    }
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    done = program("run", "digits", *changes, GANZOO_DISABLE_PLUGINS="ganzoo-interrupt")
    assert done.returncode == 0, done.stderr
    run = program.folder / done.stdout.strip()
    assert (run / "generator.safetensors").is_file()
    lines = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    check_warnings(
        lines,
        ("ganzoo-torch", "it imports torch while it is loaded"),
        ("ganzoo-events", "failed in ganzoo_run_started: ValueError: no connection"),
        ("ganzoo-events", "failed in ganzoo_step_finished: it tried to end the program"),
    )


def test_the_schema_leaves_out_what_it_cannot_describe(program: Program) -> None:
    done = program("schema")
    assert done.returncode == 0, done.stderr
    members = json.loads(done.stdout)["$defs"]
    assert "activation.good" in members
    assert "activation.unwritable" not in members
    check_warnings(
        done.stderr.splitlines(),
        ("ganzoo-schema", "its activation 'unwritable' cannot be described"),
    )


def test_a_broken_component_and_an_ambiguous_name_are_errors_where_they_are_used(
    program: Program,
) -> None:
    spec = {"dataset": "mnist-5k", "discriminator": "mlp"}
    for name in ("unwritable", "square"):
        path = program.folder / f"{name}.json"
        path.write_text(json.dumps({**spec, "generator": {"type": "mlp", "activation": name}}))
    done = program("validate", "unwritable.json", "square.json", "mlp-mnist")
    assert (done.returncode, done.stdout) == (2, "mlp-mnist: valid\n")
    broken, ambiguous = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert broken.startswith(
        f"error: unwritable.json: generator.activation: ganzoo-schema {VERSION} is at fault: its"
        " activation 'unwritable' cannot be used: PydanticSerializationError"
    )
    assert ambiguous == (
        f"error: square.json: generator.activation: 'square' comes from ganzoo-one {VERSION} and"
        f" ganzoo-two {VERSION}; write 'ganzoo-one:square' or 'ganzoo-two:square'"
    )


@pytest.mark.parametrize(
    ("command", "code", "out", "error"),
    [
        ("greet", 0, "hello\n", None),
        ("vanish", 1, "", f"error: plugin ganzoo-target {VERSION}: its command 'vanish' cannot be"),
    ],
)
def test_only_the_command_that_is_broken_fails(
    command: str, code: int, out: str, error: str | None, program: Program
) -> None:
    done = program(command)
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert [line[: len(error or "")] for line in errors] == ([] if error is None else [error])


def test_strict_plugins_end_the_program_with_one_line(program: Program) -> None:
    done = program("list", GANZOO_STRICT_PLUGINS="1")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"error: plugin ganzoo-absent {VERSION} was left out: ModuleNotFoundError: No module named"
    )


def test_ctrl_c_while_a_plugin_is_imported_ends_the_program(program: Program) -> None:
    done = program("list", GANZOO_PLUGINS="ganzoo-interrupt", GANZOO_DISABLE_PLUGINS="")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "stopped")
