"""Plugins created from the templates: linted, typed, built, installed, tested and trained with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from environments import Environment, others
from ganzoo_devkit.scaffolding import LONGEST, Blueprint

from ganzoo.components import FAMILIES

KINDS = [family.family for family in FAMILIES]

# As long as names can be, and two of the shortest. One word has the longest class.
NAMES = {kind: kind.replace("_", "-").ljust(LONGEST, "x") for kind in KINDS}
NAMES |= {"loss": "x", "generator": "y"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of each kind, as the command writes it, in a folder of that name."""
    parent = tmp_path_factory.mktemp("made")
    for kind, name in NAMES.items():
        Blueprint.of(name, kind).write(parent / kind)
    return {kind: parent / kind for kind in KINDS}


@pytest.fixture(scope="module")
def fresh(made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with wheels of all of them, which sees all that is installed here."""
    wheels = tmp_path_factory.mktemp("wheels")
    code = """
        import os, sys
        from hatchling.build import build_wheel
        for folder in sys.argv[2:]:
            os.chdir(folder)
            build_wheel(sys.argv[1])
    """
    folders = [str(folder) for folder in made.values()]
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(wheels), *folders],
        check=True,
        capture_output=True,
    )
    environment = Environment.create(tmp_path_factory.mktemp("outside"))
    environment.install(*wheels.glob("*.whl"))
    added = [f"site.addsitedir({folder!r})" for folder in others()]  # reads path files there too
    environment.add_path_file(f"import site; {'; '.join(added)}")
    return environment


def test_every_kind_has_a_wheel_that_is_found_where_it_was_installed(fresh: Environment) -> None:
    listed = json.loads(fresh.call(fresh.python, "-m", "ganzoo", "list", "--json"))
    found = {(each["family"], each["name"]): each["provider"] for each in listed}
    for kind, name in NAMES.items():
        assert found[kind, name.replace("-", "_")] == f"ganzoo-{name}"


def test_all_are_linted_and_formatted_whatever_the_length_of_the_name(tmp_path: Path) -> None:
    names = ("z", LONGEST * "z", "z-" * (LONGEST // 2 - 1) + "zz")
    for index, name in enumerate(names):
        for kind in KINDS:
            Blueprint.of(name, kind).write(tmp_path / f"{kind}-{index}")
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(  # ruff reads the configuration of each folder
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_are_strictly_typed(made: dict[str, Path], pytestconfig: pytest.Config) -> None:
    """Tests too. In one go, since most of the time is torch's, and with a cache for the next."""
    assert pytestconfig.cache is not None
    config = made["loss"] / "pyproject.toml"
    sources = [folder / "src" for folder in made.values()]
    tests = [path for folder in made.values() for path in folder.glob("tests/*.py")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--explicit-package-bases"),
            *("--config-file", str(config), "--cache-dir", str(pytestconfig.cache.mkdir("mypy"))),
            *map(str, [*sources, *tests]),
        ],
        cwd=config.parents[1],
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success" in done.stdout


def test_all_pass_their_own_tests(made: dict[str, Path], fresh: Environment) -> None:
    """Conformance, what each computes, and two steps of each recipe."""
    tests = [folder / "tests" for folder in made.values()]
    options = ("-q", "-W", "error", "--import-mode=importlib", "-p", "no:cacheprovider")
    passed = fresh.call(fresh.python, "-m", "pytest", *options, *tests)
    assert " passed" in passed
    assert "skipped" not in passed


def test_one_run_trains_with_whatever_fits_together(fresh: Environment) -> None:
    """Two steps, in the installed program."""
    of = {kind: name.replace("-", "_") for kind, name in NAMES.items()}
    schedule = {"type": of["schedule"], "low": 1e-5, "high": 1e-3}
    optimizer = {"type": of["optimizer"], "lr": schedule}
    spec = {
        "name": "all",
        "dataset": {"type": of["dataset"], "images": 100},
        "algorithm": of["algorithm"],
        "latent": {"type": of["latent"], "dim": 8},
        "generator": {
            "type": of["generator"],
            "channels": 4,
            "normalization": of["normalization"],
            "conditional": True,
        },
        "discriminator": {"type": of["discriminator"], "channels": 4, "conditional": True},
        "loss": of["loss"],
        "auxiliary_losses": [of["auxiliary_loss"]],
        "regularizers": [of["regularizer"]],
        "augmentation": of["augmentation"],
        "generator_optimizer": optimizer,
        "discriminator_optimizer": optimizer,
        "training": {"duration": "2 steps", "batch_size": 8},
        "callbacks": [of["callback"]],
        "evaluation": {"extractor": of["extractor"], "metrics": [of["metric"]], "samples": 20},
        "output": {"samples": 6},
        "device": "cpu",
    }
    (fresh.folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    run = fresh.folder / fresh.call(fresh.python, "-m", "ganzoo", "run", "spec.json").strip()
    last = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["step"] == 2
    providers = json.loads((run / "environment.json").read_text(encoding="utf-8"))["providers"]
    used = {each["name"] for each in providers.values()}
    assert used >= {f"ganzoo-{NAMES[kind]}" for kind in set(KINDS) - {"activation", "translator"}}
