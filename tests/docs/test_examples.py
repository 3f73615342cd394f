"""The examples of the reference: every hook and every family has one, and each of them works."""

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ganzoo_devkit.testing import checks_of, default_example, registered
from ganzoo_devkit.testing.modules import check_compile
from generate.examples import ABOUT, PACKAGES, examples_page, package_files
from generate.families import example_files as files_of_family
from generate.families import families_page
from generate.hooks import EXAMPLES, hook_names, hooks_page
from generate.hooks import example_files as files_of_hook

from ganzoo import components, training
from ganzoo.components import FAMILIES, Schedule


def test_every_hook_is_on_its_page_with_an_example():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(hook_names())
    text = hooks_page()
    for hook in hook_names():
        assert f"::: ganzoo.hookspecs.{hook}\n" in text
        for path in files_of_hook(hook):
            assert f'title="{path.relative_to(EXAMPLES).as_posix()}"' in text
            assert path.read_text("utf-8") in text


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment in which each example of a hook is installed as a plugin of its own."""
    folders = []
    for hook in hook_names():
        folder = tmp_path_factory.mktemp(hook)
        for path in files_of_hook(hook):
            copy = folder / path.relative_to(EXAMPLES)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text("utf-8"), "utf-8")
        about = folder / f"{hook}-1.dist-info"
        about.mkdir()
        name = hook.replace("_", "-")
        (about / "METADATA").write_text(f"Name: {name}\nVersion: 1\n", "utf-8")
        (about / "entry_points.txt").write_text(f"[ganzoo]\n{name} = {hook}\n", "utf-8")
        folders.append(str(folder))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "GANZOO_STRICT_PLUGINS": "1",
        "CHECKPOINT_BACKUP": str(tmp_path_factory.mktemp("backup")),
    }


@pytest.fixture(scope="module")
def call(environment):
    """The program, in this environment."""

    def call(*arguments, cwd):
        done = subprocess.run(
            [sys.executable, "-m", "ganzoo", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="module")
def run(call, tmp_path_factory):
    """The directory of a run of the examples' recipe, with the examples' activation."""
    changes = {
        "generator.activation": "softshrink",
        "training.duration": "2 steps",
        "output.log_every": "1 steps",
        "output.samples": 4,
        "evaluation": {
            "metrics": ["fd"],
            "extractor": "lenet-mnist",
            "samples": 20,
        },
        "device": "cpu",
    }
    settings = [f"--set={path}={json.dumps(value)}" for path, value in changes.items()]
    folder = tmp_path_factory.mktemp("working")
    return folder / call("run", "small-digits", *settings, cwd=folder).strip()


def test_the_plugin_of_each_hook_is_loaded(call, tmp_path):
    listed = {
        each["name"]: each for each in json.loads(call("plugins", "list", "--json", cwd=tmp_path))
    }
    for hook in hook_names():
        record = listed[hook.replace("_", "-")]
        assert record["status"] == "active"
        assert record["warnings"] == []


def test_components_and_recipes_of_examples_train(run):
    spec = json.loads((run / "spec.json").read_text("utf-8"))
    assert spec["generator"]["activation"] == {"type": "softshrink", "threshold": 0.5}
    assert spec["name"] == "small-digits"


def test_the_command_of_the_example_writes_numbers_of_a_run(call, run):
    written = call("last", str(run), cwd=run)
    assert "step  2\n" in written


def test_start_and_end_of_a_run_are_noted(run):
    assert (run / "machines.txt").read_text("utf-8").endswith(" from step 0 of 2\n")
    assert (run / "finished.txt").read_text("utf-8") == "2 steps\n"


def test_losses_of_each_step_are_written(run):
    with (run / "losses.csv").open(encoding="utf-8", newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert rows == [
        [each["step"], each["loss/discriminator"], each["loss/generator"]] for each in logged
    ]
    assert len(rows) == 2


def test_the_newest_grid_is_kept(run):
    last = (run / "samples" / "step-00000002.png").read_bytes()
    assert (run / "newest.png").read_bytes() == last


def test_numbers_of_all_runs_are_in_one_table(run):
    (line,) = (run.parent / "numbers.csv").read_text("utf-8").splitlines()
    name, step, metric, number = line.split(",")
    assert [name, step, metric] == [run.name, "2", "fd@lenet-mnist"]
    assert float(number) > 0


def test_checkpoints_are_kept_twice(run, environment):
    (checkpoint,) = (run / "checkpoints").iterdir()
    copy = Path(environment["CHECKPOINT_BACKUP"]) / run.name / checkpoint.name
    assert copy.read_bytes() == checkpoint.read_bytes()


def test_every_name_an_author_needs_is_on_the_page_of_families():
    text = families_page()
    for name in set(components.__all__) - {"FAMILIES", "FAMILY_KEY"}:
        assert f"::: ganzoo.components.{name}\n" in text


def test_every_building_block_of_an_algorithm_is_on_its_page():
    text = (EXAMPLES.parent / "reference" / "training.md").read_text("utf-8")
    assert [name for name in training.__all__ if f"::: ganzoo.training.{name}\n" not in text] == []


def test_every_package_that_is_tested_is_a_worked_example():
    text = examples_page()
    assert {path.name for path in PACKAGES.glob("ganzoo_*")} == set(ABOUT)
    for name in ABOUT:
        for path in package_files(name):
            assert path.read_text("utf-8") in text


def test_fields_that_all_members_of_a_family_have_are_on_the_page_of_families():
    text = families_page()
    for family in FAMILIES:
        section = text.partition(f"{{ #{family.family} }}")[2].partition("\n## ")[0]
        fields = {*family.model_fields} - {"type"}
        assert [name for name in fields if f"| `{name}` |" not in section] == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
def test_the_example_of_each_family_is_on_the_page_and_conforms(family, tmp_path, monkeypatch):
    text = families_page()
    for path, source in files_of_family(family).items():
        assert f'title="{path}"\n{source}```' in text
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "src")
    try:
        module = importlib.import_module("ganzoo_example.components")
        member = getattr(module, f"Example{family.__name__}")
        with registered(member):
            example = member(low=0.0, high=1.0) if family is Schedule else default_example(member)
            for check in checks_of(member):
                if check is not check_compile:  # slow, and tested with packages of all kinds
                    check(example)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "ganzoo_example"]:
            del sys.modules[name]


def test_what_callbacks_do_is_noted(tmp_path):
    from ganzoo.runs import RunDirectory

    path = EXAMPLES / "ganzoo_callback_acted.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    action = {"callback": "watchdog", "action": "warn", "reason": "the samples have collapsed"}
    example.ganzoo_callback_acted(RunDirectory(tmp_path), 700, action)
    noted = (tmp_path / "actions.txt").read_text("utf-8")
    assert noted == "700: watchdog warn, the samples have collapsed\n"
